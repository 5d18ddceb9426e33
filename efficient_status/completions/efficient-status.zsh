#compdef efficient-status
# zsh completion for efficient-status: the program itself answers what fits, so that this file
# need not change when commands, options or the catalogue do.

_efficient-status() {
    local -a found
    found=("${(@f)$("$words[1]" completion -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    case $found[1] in
        ('') return 1 ;;
        (:files*) compset -P '--*='; _files ;;
        (:folders*) compset -P '--*='; _files -/ ;;
        (*)
            found=("${(@)found//:/\\:}")
            found=("${(@)found/$'\t'/:}")
            _describe 'efficient-status' found
            ;;
    esac
}

if [[ $funcstack[1] == _efficient-status ]]; then
    _efficient-status "$@"  # autoloaded from a folder of $fpath
else
    compdef _efficient-status efficient-status
fi
