"""A matplotlib figure as SVG for a page: small, themed by CSS, with ids of its own.

matplotlib's own output repeats ids from figure to figure, carries a style sheet that would reach
the whole page, fixes colours and fonts, and writes six decimals. Here its tree is rewritten.
"""

from __future__ import annotations

import io
import re
import warnings
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from markupsafe import Markup, escape

from harness.report.style import FONT_PX, ROLES
from harness.report.text import clean

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SVG = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"
_NUMBER = re.compile(r"-?\d+\.\d+")
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_FONT = re.compile(r"font: (?:(?:italic|bold|\d{3}) )*([\d.]+)px [^;]*")
_NOISE = re.compile(r"stroke-line(?:join|cap): (?:miter|square|round|butt)$|font-family:")
_BY_CSS = (f"font-size:{FONT_PX:g}px", "fill:var(--ink)", "text-anchor:start")
"""What the style sheet of the page, or SVG itself, says of text anyway."""
_KEPT = ("d", "x", "y", "width", "height", "transform", "clip-path", "points")


def page_svg(figure: Figure, name: str, title: str, desc: str) -> Markup:
    """Return ``figure`` as an ``<svg>`` element for HTML.

    Args:
        figure: Drawn with the colours of `harness.report.style.paint`.
        name: Prefix of all ids, unique on the page.
        title: What a screen reader says first.
        desc: What the figure shows, in a sentence or two.
    """
    tree = _render(figure, name)
    referenced = _references(tree)
    box = tree.attrib["viewBox"].split()
    out: list[str] = [
        f'<svg viewBox="{" ".join(_round(part) for part in box)}" '
        f'style="--w:{_round(box[2])}px" role="img" '
        f'aria-labelledby="{name}-t {name}-d" preserveAspectRatio="xMinYMin meet">'
        f'<title id="{name}-t">{escape(clean(title))}</title>'
        f'<desc id="{name}-d">{escape(clean(desc))}</desc>'
    ]
    for child in tree:
        _write(child, name, referenced, out)
    out.append("</svg>")
    return Markup("".join(out))  # noqa: S704 - every text in it went through `escape`


def _render(figure: Figure, name: str) -> ET.Element:
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    FigureCanvasSVG(figure)
    buffer = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": name}), warnings.catch_warnings():
        # The browser has the glyph that matplotlib's font lacks; only the layout is guessed.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(
            buffer,
            format="svg",
            dpi=72,
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )
    return ET.fromstring(buffer.getvalue())  # noqa: S314 - our own output


def _references(tree: ET.Element) -> set[str]:
    found: set[str] = set()
    for element in tree.iter():
        for key, value in element.attrib.items():
            if key == _HREF:
                found.add(value.removeprefix("#"))
            else:
                found.update(_REFERENCE.findall(value))
    return found


def _write(element: ET.Element, name: str, referenced: set[str], out: list[str]) -> None:
    tag = element.tag.removeprefix(_SVG)
    if tag in ("style", "metadata"):
        return
    if tag == "path" and element.get("style") == "fill: none":
        return  # a background that is not drawn
    attributes = "".join(_attributes(element, name, referenced))
    children: list[str] = []
    for child in element:
        _write(child, name, referenced, children)
    text = str(escape(element.text)) if element.text and element.text.strip() else ""
    if tag in ("g", "defs") and not children:
        return
    if tag == "g" and not attributes:
        out.extend(children)
        return
    body = text + "".join(children)
    out.append(f"<{tag}{attributes}>{body}</{tag}>" if body else f"<{tag}{attributes}/>")


def _attributes(element: ET.Element, name: str, referenced: set[str]) -> list[str]:
    found = []
    for key, value in element.attrib.items():
        if key == "id":
            if value in referenced:
                found.append(f' id="{name}-{escape(value)}"')
            elif "gid:" in value:
                found.append(f' class="{escape(value.removeprefix("gid:"))}"')
        elif key == _HREF:
            found.append(f' href="#{name}-{escape(value.removeprefix("#"))}"')
        elif key == "style":
            style = _style(value, text=element.tag == f"{_SVG}text")
            if style:
                found.append(f' style="{escape(style)}"')
        elif key == "d":
            found.append(f' d="{_path(value)}"')
        elif key in _KEPT and not value.startswith(("rotate(-0 ", "rotate(0 ")):
            value = _REFERENCE.sub(lambda match: f"url(#{name}-{match[1]})", value)
            found.append(f' {key}="{_NUMBER.sub(_rounded, value)}"')
    return found


def _style(value: str, *, text: bool) -> str:
    value = _FONT.sub(r"font-size:\1px", value)
    value = _COLOUR.sub(_variable, value)
    parts = [part.strip() for part in value.split(";")]
    kept = [
        re.sub(r"\s*:\s*", ":", _NUMBER.sub(lambda match: f"{float(match[0]):.2g}", part))
        for part in parts
        if part and not _NOISE.match(part)
    ]
    return ";".join(part for part in kept if not (text and part in _BY_CSS))


def _variable(match: re.Match[str]) -> str:
    role = ROLES.get(match[0])
    return f"var(--{role})" if role else match[0]


def _path(value: str) -> str:
    value = _NUMBER.sub(_rounded, value)
    return re.sub(r"\s*([A-Za-z])\s*", r"\1", value).strip()


def _rounded(match: re.Match[str]) -> str:
    return _round(match[0])


def _round(number: str) -> str:
    text = f"{float(number):.1f}"
    text = text.removesuffix(".0")
    return "0" if text == "-0" else text
