"""How the page looks and can be used: contrast, themes, narrow screens, focus, names, print."""

import collections
import itertools
import math
import re

from page_under_test import equal, pixels, press, shown_sections, typical

# Severe protanopia, deuteranopia and tritanopia on linear RGB: Machado, Oliveira, Fernandes (2009).
VISION = {
    "common": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def linear(color):
    """Linear RGB of a CSS colour as computed styles give it."""
    channels = [float(number) / 255 for number in re.findall(r"[\d.]+", color)[:3]]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055)**2.4 for c in channels]


def contrast(one, other):
    """WCAG 2.2's contrast ratio."""
    luminance = lambda color: sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear(color)))
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def oklab(rgb):
    """Björn Ottosson's perceptual space; distances times 100 are comparable to CIE's delta E."""
    r, g, b = (min(1, max(0, channel)) for channel in rgb)
    long = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)**(1 / 3)
    middle = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)**(1 / 3)
    short = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)**(1 / 3)
    return (0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
            1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
            0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short)


# Every text node with its colour and the first background behind it that is not transparent.
TEXTS = """(() => {
  const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const own = node.parentElement;
    if (!node.data.trim() || !own.checkVisibility() || own.closest("script, .visually-hidden"))
      continue;
    let behind = own;
    while (behind && /rgba\\(.*, 0\\)|transparent/.test(getComputedStyle(behind).backgroundColor))
      behind = behind.parentElement;
    const style = getComputedStyle(own);
    found.push([node.data.trim().slice(0, 40), own instanceof SVGElement ? style.fill : style.color,
      behind ? getComputedStyle(behind).backgroundColor : "rgb(255, 255, 255)"]);
  }
  for (const input of document.querySelectorAll("input"))
    found.push([input.id, getComputedStyle(input, "::placeholder").color, getComputedStyle(input).backgroundColor]);
  return found;
})()"""

# Colours of what is drawn, resolved through an element.
COLORS = """(() => {
  const probe = document.body.appendChild(document.createElement("i"));
  const color = name => (probe.style.color = `var(--${name})`, getComputedStyle(probe).color);
  const names = [...document.styleSheets[0].cssRules[0].style].filter(name => /^--(?!mono)/.test(name));
  const colors = Object.fromEntries(names.map(name => [name.slice(2), color(name.slice(2))]));
  probe.remove();
  return colors;
})()"""


def check_contrast(open_page):
    """Text has 4.5:1 in both themes (WCAG AA), lines, fills and focus rings 3:1."""
    for dark in (False, True):
        page = open_page(typical(), dark=dark)
        press(page, "#zoom-in")
        page.evaluate("document.getElementById('arena-chart').focus()")
        page.key("Home")
        found = page.evaluate(TEXTS)
        assert len(found) > 300, f"only {len(found)} texts"
        worst = min(found, key=lambda item: contrast(*item[1:]))
        assert contrast(*worst[1:]) >= 4.5, f"dark={dark}: {worst} has {contrast(*worst[1:]):.2f}"
        colors = page.evaluate(COLORS)
        for name in ("ink", "muted", "link"):
            for behind in ("page", "raised"):
                assert contrast(colors[name], colors[behind]) >= 4.5, f"dark={dark}: {name} on {behind}"
        for name, color in colors.items():
            if name.startswith("kind-") or name in ("before", "after", "axis", "boundary", "focus"):
                ratio = contrast(color, colors["page"])
                assert ratio >= 3, f"dark={dark}: {name} has {ratio:.2f}"


def check_color_vision(open_page):
    """Any two kinds of buffer differ for every common kind of colour vision."""
    for dark in (False, True):
        colors = {name: color for name, color in open_page(typical(), dark=dark).evaluate(COLORS).items()
                  if name.startswith("kind-")}
        equal(len(colors), 7, "kinds")
        for kind, matrix in VISION.items():
            seen = {name: oklab([sum(w * c for w, c in zip(row, linear(color))) for row in matrix])
                    for name, color in colors.items()}
            for one, other in itertools.combinations(seen, 2):
                distance = 100 * math.dist(seen[one], seen[other])
                assert distance >= 10, f"{one} and {other}, dark={dark}, {kind}: {distance:.1f}"


def check_themes(open_page):
    """The system's theme holds until the button, by keyboard, chooses the other; the picture follows."""
    behind = "getComputedStyle(document.body).backgroundColor"
    swatch = "getComputedStyle(document.querySelector('#legend .swatch')).backgroundColor"
    points = [[x, y] for x in range(60, 1000, 9) for y in range(60, 400, 9)]

    def looks(page):
        opaque = collections.Counter(f"rgb({r}, {g}, {b})" for r, g, b, alpha in pixels(page, points) if alpha == 255)
        return [page.evaluate(behind), page.evaluate(swatch), opaque.most_common(1)[0][0]]

    light, dark = open_page(typical()), open_page(typical(), dark=True)
    bright, dim = looks(light), looks(dark)
    assert all(one != other for one, other in zip(bright, dim)), (bright, dim)
    equal(dim[1], dim[2], "the most frequent colour of the picture, which is that of activations")
    for page, other in ((light, dim), (dark, bright)):
        own = looks(page)
        press(page, "#theme")
        equal(looks(page), other, "the other theme")
        press(page, "#theme")
        equal(looks(page), own, "the first theme again")
    light.emulate(dark=True)
    light.settle()
    equal(light.evaluate(behind), bright[0], "a chosen theme when the system's changes")


def check_narrow_screens(open_page):
    """At 360 pixels nothing is wider than the screen but tables, which scroll by themselves."""
    long = typical()
    for item in [*long["plan"]["buffers"], *long["chains"], *long["plan"]["steps"]]:
        for key in ("name", "location", "type", "alive_because", "reason", "op"):
            if key in item:
                item[key] = f"{item[key]}.{'very_long_identifier' * 10}"
    long["function"] = "f" * 200
    for width in (360, 1200):
        for report in (typical(), long):
            page = open_page(report, width=width)
            page.evaluate("document.getElementById('arena-chart').focus()")
            page.key("Home")
            page.settle()
            equal(page.evaluate("document.scrollingElement.scrollWidth"), width, "the page's width")
            wide = page.evaluate("""[...document.querySelectorAll("body *")].filter(node =>
              !node.closest("table, svg, .visually-hidden, .skip") &&
              node.getBoundingClientRect().right > innerWidth + 0.5).map(node => node.outerHTML.slice(0, 80))""")
            equal(wide, [], f"what is wider than {width} pixels")


def check_resizing(open_page):
    """The figures take the width that there is."""
    page = open_page(typical(), width=1200)
    for width in (500, 900):
        page.resize(width)
        page.settle()
        page.settle()
        figures = ["#timeline-chart svg", "#arena-canvas", "#arena-overlay", "#curve-chart svg"]
        shown = page.evaluate(f"{figures}.map(s => document.querySelector(s).getBoundingClientRect().width)")
        room = page.evaluate("document.getElementById('arena-chart').clientWidth")
        equal(shown, [room] * 4, "the figures' widths")


def check_focus_is_visible(open_page):
    """Tab reaches every control in the order of the page, and each shows that it has the focus."""
    page = open_page(typical())
    state = """(() => {
      const node = document.activeElement, target = node.matches(".point") && node.querySelector(".target");
      const style = getComputedStyle(target || node);
      const ring = target ? style.stroke !== "none" && style.strokeWidth
        : style.outlineStyle !== "none" && style.outlineWidth;
      return [node.id || node.textContent.trim() || node.getAttribute("aria-label"), parseFloat(ring) >= 1,
        node === document.body];
    })()"""
    count = page.evaluate("""[...document.querySelectorAll("a, button, input, [tabindex]")]
      .filter(node => node.checkVisibility()).length""")
    reached = []
    for _ in range(count + 5):
        page.key("Tab")
        name, ring, outside = page.evaluate(state)
        if outside:
            break
        assert ring, f"{name} does not show its focus"
        reached.append(name)
    equal(len(reached), count, "controls reached")
    order = [reached.index(name) for name in ("theme", "timeline-chart", "find", "arena-chart", "chains-filter")]
    equal(order, sorted(order), "the order of controls")


def check_accessible_structure(open_page):
    """Landmarks, one h1, headings that name their sections, a name for everything that takes the focus."""
    page = open_page(typical())
    equal(page.evaluate("['header', 'nav', 'main', 'footer', 'h1'].map(s => document.querySelectorAll(s).length)"),
          [1, 1, 1, 1, 1], "landmarks")
    equal(page.evaluate("document.documentElement.lang"), "en", "the language")
    equal(page.evaluate("""[...document.querySelectorAll("section")].filter(section =>
      section.querySelector("h2").id !== section.getAttribute("aria-labelledby")).length"""), 0, "sections without a name")
    equal(page.evaluate("[...document.querySelectorAll('input')].filter(input => !input.labels.length).length"), 0,
          "fields without a label")
    links = page.evaluate("[...document.querySelectorAll('nav a')].map(a => a.getAttribute('href').slice(1))")
    equal(links, shown_sections(page), "the contents")
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(node => node.id)")
    equal(len(ids), len(set(ids)), "different ids")
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    focusable = [node for node in nodes if not node["ignored"] and node["role"]["value"] != "RootWebArea" and any(
        item["name"] == "focusable" and item["value"]["value"] for item in node.get("properties", []))]
    assert len(focusable) > 30, len(focusable)
    nameless = [node["role"]["value"] for node in focusable if not node.get("name", {}).get("value")]
    equal(nameless, [], "roles of what has no name")


def check_reduced_motion(open_page):
    behavior = "getComputedStyle(document.documentElement).scrollBehavior"
    for reduced, expected in ((True, "auto"), (False, "smooth")):
        page = open_page(typical(), reduced_motion=reduced)
        page.evaluate("document.documentElement.style.scrollBehavior = ''")
        equal(page.evaluate(behavior), expected, f"scrolling with reduced_motion={reduced}")


def check_print(open_page):
    """On paper there are no controls, and the colours are those for white."""
    page = open_page(typical(), dark=True)
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate("print", dark=True)
    equal(page.evaluate("""[...document.querySelectorAll("button, input, nav")].filter(node =>
      node.checkVisibility() && !node.closest("table, .legend")).length"""), 0, "controls on paper")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert contrast(page.evaluate("getComputedStyle(document.body).backgroundColor"), "rgb(255, 255, 255)") < 1.1
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.emulate("", dark=True)
    equal(page.evaluate("getComputedStyle(document.body).backgroundColor"), before, "the theme after printing")
    assert len(page.call("Page.printToPDF")["data"]) > 50_000
