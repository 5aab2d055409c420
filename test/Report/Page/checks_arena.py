"""The picture of the arena: what is drawn where, and how pointer and keyboard find it."""

import collections
import json
import math
import random
import time

import plausible_plan
from page_under_test import center, equal, pixels, press, text, typical


class Picture:
    """The check's own account of where a buffer must be, from the axes' frame and the view."""

    def __init__(self, page, buffers):
        self.page, self.buffers = page, buffers
        page.evaluate("document.getElementById('arena-chart').scrollIntoView({block: 'center'})")
        self.update()

    def update(self):
        self.page.settle()
        data = self.page.evaluate("({...document.getElementById('arena-canvas').dataset})")
        self.area, self.view, self.drawn = json.loads(data["area"]), json.loads(data["view"]), int(data["drawn"])
        self.origin = self.page.evaluate("""(() => {
          const box = document.getElementById("arena-canvas").getBoundingClientRect();
          return [box.left, box.top];
        })()""")

    def box(self, buffer):
        """left, top, right, bottom in the canvas: steps to the right, offsets upwards."""
        area, view = self.area, self.view
        across = (area["right"] - area["left"]) / (view["x1"] - view["x0"])
        upward = (area["bottom"] - area["top"]) / (view["y1"] - view["y0"])
        x = lambda step: area["left"] + (step - view["x0"]) * across
        y = lambda offset: area["bottom"] - (offset - view["y0"]) * upward
        return x(buffer["lower"]), y(buffer["offset"] + buffer["bytes"]), x(buffer["upper"] + 1), y(buffer["offset"])

    def large(self, least=4):
        """Indices of the buffers of which more than a few pixels are in sight, and the middle of that part."""
        area = self.area
        for at, buffer in enumerate(self.buffers):
            left, top, right, bottom = self.box(buffer)
            left, right = max(left, area["left"]), min(right, area["right"])
            top, bottom = max(top, area["top"]), min(bottom, area["bottom"])
            if right - left > least and bottom - top > least:
                yield at, ((left + right) / 2, (top + bottom) / 2)

    def point_at(self, point):
        self.page.mouse("mouseMoved", self.origin[0] + point[0], self.origin[1] + point[1])

    def current(self):
        return int(self.page.evaluate("document.getElementById('buffer-details').dataset.buffer"))


def open_picture(open_page, report, **options):
    page = open_page(report, **options)
    return page, Picture(page, report["plan"]["buffers"])


def check_rectangles(open_page):
    """As many rectangles as buffers; each that is large enough has its kind's colour at its place."""
    report = typical()
    page, picture = open_picture(open_page, report)
    equal(picture.drawn, len(picture.buffers), "rectangles drawn")
    assert abs(picture.view["x1"] - len(report["plan"]["steps"])) < 1e-6, picture.view
    assert picture.view["y1"] >= report["arena_bytes"], picture.view
    middles = dict(picture.large())
    assert len(middles) > 30, f"only {len(middles)} rectangles are large enough to look at"
    colors = page.evaluate("""Object.fromEntries([...document.querySelectorAll("#legend button")].map(button =>
      [button.dataset.kind, getComputedStyle(button.querySelector(".swatch")).backgroundColor]))""")
    lines = [report["plan"]["peak_step"] + 0.5, report["plan"]["backward_from"]]
    for at, (red, green, blue, alpha) in zip(middles, pixels(page, list(middles.values()))):
        buffer = picture.buffers[at]
        middle = (buffer["lower"] + buffer["upper"] + 1) / 2
        if any(abs(middle - line) < 1 for line in lines):
            continue  # under a dashed line
        equal((f"rgb({red}, {green}, {blue})", alpha), (colors[buffer["kind"]], 255), f"colour of {buffer['name']}")


def check_pointer(open_page):
    """The details are those of the buffer under the pointer, and go with it."""
    report = typical()
    page, picture = open_picture(open_page, report)
    picks = list(picture.large())[::5]
    assert len(picks) >= 10, picks
    for at, point in picks:
        picture.point_at(point)
        page.settle()
        equal(picture.current(), at, "the buffer under the pointer")
        assert_details(page, report, at)
    page.mouse("mouseMoved", 5, 5)
    page.settle()
    equal(picture.current(), -1, "the buffer without the pointer")


def assert_details(page, report, at):
    buffer = report["plan"]["buffers"][at]
    shown = text(page, "#buffer-details")
    for part in (buffer["name"], buffer["location"], buffer["type"], f"{buffer['bytes']:,} bytes",
                 f"{buffer['offset']:,} bytes", f"{buffer['lower']:,}", f"{buffer['upper']:,}",
                 buffer["alive_because"]):
        assert part in shown, f"{part!r} is not in {shown!r}"


def neighbour(buffers, own, direction):
    """What an arrow key must find: written apart from the page's code, by sorting."""
    me = buffers[own]
    end = lambda b: b["offset"] + b["bytes"]
    beside = lambda b: b["offset"] < end(me) and me["offset"] < end(b)
    together = lambda b: b["lower"] <= me["upper"] and me["lower"] <= b["upper"]
    tests = {"ArrowRight": lambda b: beside(b) and b["lower"] > me["upper"],
             "ArrowLeft": lambda b: beside(b) and b["upper"] < me["lower"],
             "ArrowUp": lambda b: together(b) and b["offset"] >= end(me),
             "ArrowDown": lambda b: together(b) and end(b) <= me["offset"]}
    distance = {"ArrowRight": lambda b: b["lower"], "ArrowLeft": lambda b: -b["upper"],
                "ArrowUp": lambda b: b["offset"], "ArrowDown": lambda b: -end(b)}[direction]
    found = [(distance(b), at) for at, b in enumerate(buffers) if at != own and tests[direction](b)]
    return min(found)[1] if found else own


def check_keyboard(open_page):
    """Arrow keys, n and p, Home and End select the buffers that they should, and tell of them."""
    report = typical()
    page, picture = open_picture(open_page, report)
    buffers = picture.buffers
    order = sorted(range(len(buffers)), key=lambda at: (buffers[at]["lower"], buffers[at]["offset"], at))
    page.evaluate("document.getElementById('arena-chart').focus()")
    page.key("Home")
    equal(picture.current(), order[0], "Home")
    page.key("End")
    equal(picture.current(), order[-1], "End")
    page.key("p")
    equal(picture.current(), order[-2], "p")
    page.key("Home")
    for at in order[1:12]:
        page.key("n")
        equal(picture.current(), at, "n")
    rng, moves = random.Random(1), collections.Counter()
    for at, point in list(picture.large())[::4]:
        page.mouse("mouseMoved", 5, 5)
        page.click(picture.origin[0] + point[0], picture.origin[1] + point[1])
        equal(picture.current(), at, "the buffer that was clicked")
        for key in rng.choices(["ArrowUp", "ArrowRight", "ArrowDown", "ArrowLeft"], k=8):
            expected = neighbour(buffers, picture.current(), key)
            moves[key] += expected != picture.current()
            page.key(key)
            equal(picture.current(), expected, key)
    assert len(moves) == 4 and min(moves.values()) >= 8, moves
    assert_details(page, report, picture.current())
    spoken = page.evaluate("document.getElementById('announce').textContent")
    assert buffers[picture.current()]["name"] in spoken, spoken
    page.key("Escape")
    equal(picture.current(), -1, "Escape")


def check_zoom_and_pan(open_page):
    """Keys, buttons, wheel and drag change the view; rectangles and pointer keep to it; 0 shows all."""
    page, picture = open_picture(open_page, typical())
    whole = dict(picture.view)
    page.evaluate("document.getElementById('arena-chart').focus()")
    for _ in range(3):
        page.key("+")
    picture.update()
    ratio = (whole["x1"] - whole["x0"]) / (picture.view["x1"] - picture.view["x0"])
    assert abs(ratio - 1.5**3) < 1e-6, ratio
    assert 0 < picture.drawn < len(picture.buffers), picture.drawn
    for at, point in list(picture.large())[:8]:
        picture.point_at(point)
        page.settle()
        equal(picture.current(), at, "the buffer under the pointer when zoomed")
    before = dict(picture.view)
    page.key("ArrowRight", shift=True)
    page.key("ArrowUp", shift=True)
    picture.update()
    assert picture.view["x0"] > before["x0"] and picture.view["y0"] > before["y0"], picture.view
    before = dict(picture.view)
    x, y = center(page, "#arena-chart")
    page.mouse("mousePressed", x, y, button="left", clickCount=1)
    page.mouse("mouseMoved", x + 60, y - 30, button="left", buttons=1)
    page.mouse("mouseReleased", x + 60, y - 30, button="left", clickCount=1)
    picture.update()
    width = before["x1"] - before["x0"]
    expected = before["x0"] - 60 / (picture.area["right"] - picture.area["left"]) * width
    assert abs(picture.view["x0"] - expected) < 1e-6, (picture.view, expected)
    page.key("0")
    picture.update()
    equal(picture.view, whole, "the view after 0")
    try_wheel(page, picture, whole)
    press(page, "#zoom-in")
    picture.update()
    assert picture.view["x1"] - picture.view["x0"] < whole["x1"], picture.view
    press(page, "#zoom-reset")
    picture.update()
    equal(picture.view, whole, "the view after the button")


def try_wheel(page, picture, whole):
    """What is under the pointer stays there. Without the focus the wheel scrolls the page."""
    x, y = map(round, center(page, "#arena-chart"))  # the browser rounds
    picture.update()

    def below():
        """Step and offset at the pointer, as shares of the plan."""
        area, view = picture.area, picture.view
        across = (x - picture.origin[0] - area["left"]) / (area["right"] - area["left"])
        upward = (area["bottom"] - y + picture.origin[1]) / (area["bottom"] - area["top"])
        return ((view["x0"] + across * (view["x1"] - view["x0"])) / whole["x1"],
                (view["y0"] + upward * (view["y1"] - view["y0"])) / whole["y1"])

    before = below()
    page.mouse("mouseWheel", x, y, deltaX=0, deltaY=-120)
    picture.update()
    assert picture.view["x1"] - picture.view["x0"] < whole["x1"], picture.view
    assert math.dist(below(), before) < 1e-6, (below(), before)
    page.key("0")
    page.evaluate("document.activeElement.blur()")
    page.mouse("mouseWheel", x, y, deltaX=0, deltaY=-120)
    picture.update()
    equal(picture.view, whole, "the view after the wheel without the focus")


def check_find_and_legend(open_page):
    """The search goes through the buffers by name; a kind's button dims the others."""
    report = typical()
    page, picture = open_picture(open_page, report)
    buffers = picture.buffers
    wanted = [at for at, b in enumerate(buffers) if "weight_grad" in b["name"]]
    wanted.sort(key=lambda at: (buffers[at]["lower"], buffers[at]["offset"]))
    page.evaluate("document.getElementById('find').focus()")
    page.type("WEIGHT_GRAD")
    for at in wanted[:3]:
        equal(picture.current(), at, "what the search found")
        page.key("Enter")
    equal(text(page, "#find-state"), f"4 of {len(wanted)}", "the search's state")
    sample = next(point for at, point in picture.large() if buffers[at]["kind"] == "activation")
    opacity = lambda: pixels(page, [sample])[0][3]
    equal(opacity(), 255, "an activation's opacity")
    press(page, "#legend [data-kind=gradient]")
    assert opacity() < 60, "an activation is not dimmed"
    press(page, "#legend [data-kind=gradient]")
    equal(opacity(), 255, "an activation's opacity")


def check_twenty_thousand_buffers(open_page):
    """A deep network's page shows a buffer for a key within five seconds of being opened."""
    text_of_report = json.dumps(plausible_plan.make_report(2900, quick=True))
    start = time.monotonic()
    page = open_page(text_of_report)
    page.evaluate("document.getElementById('arena-chart').focus()")
    page.key("Home")
    page.settle()
    seconds = time.monotonic() - start
    report = json.loads(text_of_report)
    picture = Picture(page, report["plan"]["buffers"])
    equal(picture.drawn, len(picture.buffers), "rectangles drawn")
    assert len(picture.buffers) >= 20_000 and len(report["plan"]["steps"]) >= 15_000
    assert_details(page, report, picture.current())
    assert seconds < 5, f"{seconds:.1f} s"
    start = time.monotonic()
    for _ in range(10):
        page.key("ArrowRight")
    page.key("+")
    page.settle()
    assert time.monotonic() - start < 5, "keys are slow"
