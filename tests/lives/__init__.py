"""Scripted lives of pages, one or more for every dialect: documents, and what each must bring."""

from tests.lives import absent, joined, timelines, vendors
from tests.lives.building import Life

LIVES: list[Life] = [*timelines.LIVES, *joined.LIVES, *absent.LIVES, *vendors.LIVES]
