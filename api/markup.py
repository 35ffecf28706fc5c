"""Markdown and code as HTML."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from markdown_it import MarkdownIt
from markupsafe import Markup
from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexers import get_lexer_by_name


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of a text.

    Attributes:
        slug: Its id on the page.
        title: Its words.
    """

    slug: str
    title: str


def code(text: str, language: str) -> Markup:
    """Returns code as HTML, coloured by classes."""
    return Markup(highlight(text, get_lexer_by_name(language), HtmlFormatter(nowrap=True)))  # noqa: S704 - escaped


def markdown(text: str) -> Markup:
    """Returns Markdown as HTML."""
    return article(text)[0]


def article(text: str) -> tuple[Markup, list[Heading]]:
    """Returns Markdown as HTML whose headings can be linked to, and the headings."""
    parser = _parser()
    tokens = parser.parse(text)
    headings: list[Heading] = []
    for token, content in pairwise(tokens):
        if token.type == "heading_open":
            slug = re.sub(r"\W+", "-", content.content.lower())
            token.attrSet("id", slug)
            headings.append(Heading(slug, content.content))
    html = parser.renderer.render(tokens, parser.options, {})
    return Markup(html), headings  # noqa: S704 - the parser lets no HTML through


def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "highlight": _highlight}).enable("table")


def _highlight(text: str, language: str, _attributes: str) -> str:
    return str(code(text, language or "text"))
