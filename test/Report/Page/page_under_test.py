"""What the checks have in common: opening a report as a page, and reading the page."""

import functools
import json
import math
import pathlib

import memory_page
import plausible_plan

MIB = 1 << 20


@functools.cache
def typical_text():
    return json.dumps(plausible_plan.make_report(24))


def typical():
    """A report of a middling network, to be changed at will."""
    return json.loads(typical_text())


class Opener:
    def __init__(self, browser, folder):
        self.browser, self.folder, self.pages = browser, pathlib.Path(folder), []

    def __call__(self, report, **options):
        """Opens a report, an object or its JSON text, and waits until it is shown."""
        text = report if isinstance(report, str) else json.dumps(report)
        path = self.folder / f"page-{len(self.pages)}.html"
        path.write_text(memory_page.fill(text), "utf-8")
        page = self.browser.open(path, **options)
        page.evaluate("document.documentElement.style.scrollBehavior = 'auto'")
        self.pages.append((path, page))
        return page

    def check_quiet(self):
        assert self.pages, "the check opened no page"
        for path, page in self.pages:
            equal(page.problems, [], "what the console says")
            equal(page.requests, [path.resolve().as_uri()], "what was requested")


def equal(got, expected, what):
    assert got == expected, f"{what}: expected {expected!r}, got {got!r}"


def text(page, selector):
    """The text of an element as a reader sees it, no-break spaces as spaces; None without it."""
    found = page.evaluate(f"document.querySelector({json.dumps(selector)})?.innerText ?? null")
    return found and found.replace("\u00a0", " ")


def texts(page, selector):
    found = page.evaluate(f"[...document.querySelectorAll({json.dumps(selector)})].map(node => node.innerText)")
    return [item.replace("\u00a0", " ") for item in found]


def sizes(page, selector):
    """The bytes that the sizes among some elements stand for."""
    return page.evaluate(f"[...document.querySelectorAll({json.dumps(selector)})].map(node => Number(node.value))")


def mib(count):
    """With one decimal, a half rounded up as the page does."""
    return f"{math.floor(10 * count / MIB + 0.5) / 10:,.1f} MiB"


def pixels(page, points):
    """[red, green, blue, alpha] of points of the arena's picture. A copy is read: reading a
    canvas itself more than once makes the browser warn."""
    return page.evaluate(f"""(() => {{
      const canvas = document.getElementById("arena-canvas");
      const context = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", {{willReadFrequently: true}});
      context.drawImage(canvas, 0, 0);
      return {json.dumps(points)}.map(([x, y]) => [...context.getImageData(x, y, 1, 1).data]);
    }})()""")


def shown_sections(page):
    return page.evaluate("[...document.querySelectorAll('main section')].filter(s => !s.hidden).map(s => s.id)")


def press(page, selector):
    """Activates a control by keyboard."""
    page.evaluate(f"document.querySelector({json.dumps(selector)}).focus()")
    page.key("Enter")
    page.settle()


def center(page, selector):
    return page.evaluate(f"""(() => {{
      const node = document.querySelector({json.dumps(selector)});
      node.scrollIntoView({{block: "center", inline: "center"}});
      const box = node.getBoundingClientRect();
      return [box.left + box.width / 2, box.top + box.height / 2];
    }})()""")
