"""Bytes of a document → characters that expat can read.  Pure.

Rules: a byte order mark overrules the declaration, the declaration overrules the default, UTF-8.
Only charsets are decoded, as browsers do (WHATWG Encoding), never another of Python's codecs:
some take quadratic time, some warn.  What cannot be decoded becomes U+FFFD: a bad byte in one
item costs that byte, not the feed.
"""

from __future__ import annotations

import codecs
import re
from html import escape
from html.entities import html5
from xml.parsers.expat import errors

from efficient_status.errors import Unreadable

# Longest first: the mark of UTF-32 LE begins like that of UTF-16 LE.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
    b"<\0": "utf-16-le",
    b"\0<": "utf-16-be",
}
# Python's name of a charset → the one that is meant by it in practice.
_CHARSETS = {
    name: name
    for name in (
        "big5hkscs cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 cp866 cp932"
        " cp949 euc_jp gb18030 iso2022_jp iso8859-10 iso8859-13 iso8859-14 iso8859-15 iso8859-16"
        " iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8 koi8-r koi8-u"
        " mac-roman utf-8"
    ).split()
} | {
    "ascii": "cp1252",
    "big5": "big5hkscs",
    "cp950": "big5hkscs",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso8859-1": "cp1252",
    "iso8859-11": "cp874",
    "iso8859-9": "cp1254",
    "shift_jis": "cp932",
    "tis-620": "cp874",
    # Declared in letters that are no UTF-16 (documents that .NET made in memory).
    "utf-16": "utf-8",
    "utf-16-be": "utf-8",
    "utf-16-le": "utf-8",
}
# Names that Python does not know (WHATWG Encoding, 4.2) → one that it does.
_LABELS = {
    "cn-big5": "big5",
    "iso-8859-8-i": "iso8859-8",
    "windows-31j": "cp932",
    "windows-874": "tis-620",
    "windows-949": "cp949",
    "x-cp1251": "cp1251",
    "x-euc-jp": "euc_jp",
    "x-gbk": "gbk",
    "x-mac-roman": "mac-roman",
    "x-sjis": "shift_jis",
}
_DECLARED = re.compile(
    rb"""<\?xml[^>]{0,200}?encoding\s{0,20}=\s{0,20}["']([A-Za-z0-9._-]{1,40})["']"""
)
_BLANKS = " \t\r\n\ufeff"


def decoded(body: bytes) -> str:
    """The characters of a document, without what may stand before its first element.

    Raises:
        Unreadable: the declared encoding is unknown, and it is not UTF-8 either.
    """
    body = body.lstrip(b" \t\r\n")
    for mark, charset in _MARKS.items():
        if body.startswith(mark):
            return body.decode(charset, "replace").lstrip(_BLANKS)
    declared = _DECLARED.match(body)
    if declared is None:
        return body.decode("utf-8", "replace")
    name = declared[1].decode("ascii")
    try:
        return body.decode(
            _CHARSETS[codecs.lookup(_LABELS.get(name.lower(), name)).name], "replace"
        )
    except LookupError:
        return _undeclared(body, name)


def _undeclared(body: bytes, name: str) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable(
            f"the XML cannot be decoded: it declares the unknown encoding {name}"
        ) from error


# Errors of expat that `mended` may cure.
MENDABLE = frozenset(
    errors.codes[message]
    for message in (
        errors.XML_ERROR_INVALID_TOKEN,
        errors.XML_ERROR_UNDEFINED_ENTITY,
        errors.XML_ERROR_BAD_CHAR_REF,
    )
)
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_AMPERSAND = re.compile(r"&(?:#([0-9]{1,7}|[xX][0-9a-fA-F]{1,6});|([A-Za-z][A-Za-z0-9]{1,31};))?")
_XML_NAMES = frozenset({"amp;", "lt;", "gt;", "quot;", "apos;"})


_SLICE = 8_192  # characters that are mended at a time
_GROWTH = 262_144  # characters: 65,536 bare ampersands


def mended(text: str) -> str:
    """Replace what XML does not allow but feeds contain: control characters, `&nbsp;`, a bare &.

    It goes slice by slice, since a list of millions of pieces takes 80 times their size.

    Raises:
        Unreadable: so much is to be mended that it is no XML at all.
    """
    parts = []
    start = growth = 0
    while start < len(text):
        end = text.find("&", start + _SLICE)  # no reference stands on two slices
        end = len(text) if end < 0 else end
        part = _AMPERSAND.sub(_reference, _ILLEGAL.sub("\ufffd", text[start:end]))
        growth += max(len(part) - (end - start), 0)
        if growth > _GROWTH:
            raise Unreadable("expected a feed, got malformed XML (nothing but bare «&»)")
        parts.append(part)
        start = end
    return "".join(parts)


def _reference(found: re.Match[str]) -> str:
    number, name = found.groups()
    if number:
        code = int(number[1:], 16) if number[0] in "xX" else int(number)
        character = chr(code) if code < 0x110000 else "\0"
        return "\ufffd" if _ILLEGAL.match(character) else f"&#{code};"
    if name in _XML_NAMES:
        return found[0]
    return escape(html5[name]) if name in html5 else f"&amp;{found[0][1:]}"
