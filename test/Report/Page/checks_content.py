"""The page says what the report says."""

import re

import plausible_plan
from page_under_test import center, equal, mib, press, shown_sections, sizes, text, texts, typical

FIGURES = ("saved_bytes_before", "saved_bytes_after", "peak_live_bytes_before", "peak_live_bytes_after",
           "arena_bytes", "max_live_bytes", "lower_bound_bytes", "recompute_bytes", "argument_bytes")


def check_figures(open_page):
    """The headline figures are those of the JSON: as MiB in the text, exactly in the title."""
    report = typical()
    page = open_page(report)
    for key in FIGURES:
        element = f"#figure-{key}"
        equal(sizes(page, element), [report[key]], key)
        equal(text(page, element), mib(report[key]), key)
        title = page.evaluate(f"document.querySelector('{element}').title").replace("\u00a0", " ")
        equal(title, f"{report[key]:,} bytes", key)
    gap, bound = report["arena_bytes"] - report["lower_bound_bytes"], report["lower_bound_bytes"]
    assert f"({100 * gap / bound:.1f} %)" in text(page, "#figure-gap"), text(page, "#figure-gap")
    before, after = report["saved_bytes_before"], report["saved_bytes_after"]
    assert f"{100 * (before - after) / before:.1f} %" in texts(page, "#totals td"), texts(page, "#totals td")
    equal(text(page, "h1"), "Memory plan of @main", "the title")


def check_alive_at_the_peak(open_page):
    """The table holds the buffers alive at the peak, largest first, and adds up to the live bytes."""
    report = typical()
    plan = report["plan"]
    peak = plan["peak_step"]
    alive = [b for b in plan["buffers"] if b["lower"] <= peak <= b["upper"]]
    live = plausible_plan.live_bytes(plan["buffers"], len(plan["steps"]))
    page = open_page(report)
    if page.evaluate("document.querySelectorAll('#peak-table tbody tr').length") < len(alive):
        press(page, "#peak-table .more")
    listed = sizes(page, "#peak-table tbody td:nth-child(3) data")
    equal(listed, sorted((b["bytes"] for b in alive), reverse=True), "the sizes in the table")
    equal(sum(listed), live[peak], "the sum of the table")
    equal(sum(listed), report["max_live_bytes"], "the sum of the table")
    equal(sizes(page, "#peak-table tfoot data"), [live[peak]], "the total")
    uses = texts(page, "#peak-table tbody td:nth-child(5)")
    equal(sorted(uses), sorted(b["alive_because"] for b in alive), "the uses")


def check_row_selects_buffer(open_page):
    """A click on a row of the table, or Enter on its button, selects its buffer in the picture."""
    report = typical()
    page = open_page(report)
    buffers = report["plan"]["buffers"]
    for row in (1, 7):
        name = texts(page, f"#peak-table tbody tr:nth-child({row}) button")[0]
        if row == 1:
            page.click(*center(page, f"#peak-table tbody tr:nth-child({row}) td:nth-child(2)"))
        else:
            press(page, f"#peak-table tbody tr:nth-child({row}) button")
        page.settle()
        selected = int(page.evaluate("document.getElementById('buffer-details').dataset.buffer"))
        equal(buffers[selected]["name"], name, "the selected buffer")
        equal(page.evaluate("document.activeElement.id"), "arena-chart", "the focus")


def check_timeline(open_page):
    """Both lines have their peaks where the axis says, and the read-out follows keys and pointer."""
    report = typical()
    lines = report["plan"]["timeline"]
    page = open_page(report)
    marks = page.evaluate("""[...document.querySelectorAll("#timeline-chart .tick")].map(t =>
      [t.textContent, t.getAttribute("text-anchor"), Number(t.getAttribute("y")) - 4])""")
    scale = [(float(label.replace(",", "")), y) for label, anchor, y in marks if anchor == "end"]
    (low, bottom), (high, top) = scale[0], scale[-1]
    for name in ("before", "after"):
        path = page.evaluate(f"document.querySelector('#timeline-chart path.{name}').getAttribute('d')")
        heights = [float(y) for y in re.findall(r"(?:V|M[\d.]+ |L[\d.]+ )([\d.]+)", path)]
        drawn = low + (bottom - min(heights)) / (bottom - top) * (high - low)
        peak = max(point["bytes"] for point in lines[name]) / (1 << 20)
        assert abs(drawn - peak) <= (high - low) / (bottom - top), f"{name}: peak {peak} MiB drawn at {drawn}"
        assert f"peak {peak:,.1f} MiB" in " ".join(texts_of_marks(page)), texts_of_marks(page)
    page.evaluate("document.getElementById('timeline-chart').focus()")
    for key, at in (("Home", 0), ("End", -1)):
        page.key(key)
        equal(sizes(page, "#timeline-readout data"), [lines[name][at]["bytes"] for name in lines], key)
    page.key("Home")
    page.key("PageUp")
    tenth = [lines[name][int(len(lines[name]) * 0.1 + 1e-9)]["bytes"] for name in lines]
    equal(sizes(page, "#timeline-readout data"), tenth, "at a tenth")
    spoken = page.evaluate("document.getElementById('timeline-chart').getAttribute('aria-valuetext')")
    assert spoken.startswith("10.0 %"), spoken
    page.mouse("mouseMoved", *center(page, "#timeline-chart"))
    assert sizes(page, "#timeline-readout data") != tenth, "the read-out does not follow the pointer"


def texts_of_marks(page):
    found = page.evaluate("[...document.querySelectorAll('#timeline-chart .mark')].map(t => t.textContent)")
    return [item.replace("\u00a0", " ") for item in found]


def check_curve(open_page):
    """Each budget is a point that takes the focus and says its values; one is marked as chosen."""
    report = typical()
    curve = report["plan"]["curve"]
    page = open_page(report)
    equal(page.evaluate("document.querySelectorAll('#curve-chart .point').length"), len(curve), "points")
    equal(page.evaluate("document.querySelectorAll('#curve-chart .ring').length"), 1, "chosen points")
    by_arena = sorted(curve, key=lambda point: point["arena_bytes"])
    equal(sizes(page, "#curve-table td:nth-child(2) data"), [p["arena_bytes"] for p in by_arena], "arenas")
    equal(sizes(page, "#curve-table td:nth-child(3) data"), [p["recompute_bytes"] for p in by_arena], "recomputed")
    for at, point in enumerate(by_arena):
        page.evaluate(f"document.querySelectorAll('#curve-chart .point')[{at}].focus()")
        shown = text(page, "#curve-readout")
        for part in (mib(point["arena_bytes"]), mib(point["recompute_bytes"]),
                     f"{point['convolutions_recomputed']} convolution"):
            assert part in shown, f"{part} is not in {shown!r}"
        equal("this plan" in shown, point["chosen"], "whether the point is the plan")
        if point["budget_bytes"] is None:
            assert "no budget" in shown, shown


def check_chains(open_page):
    """Every chain is in the table with its strategy; headers sort, the filter narrows."""
    report = typical()
    chains = report["chains"]
    page = open_page(report)
    names = lambda: [item.split("\n")[0] for item in texts(page, "#chains-table tbody th")]
    equal(names(), [chain["name"] for chain in chains], "program order")
    equal(texts(page, "#chains-table td:nth-child(4)"), [chain["strategy"] for chain in chains], "strategies")
    header = "#chains-table thead th:nth-child(5)"
    press(page, f"{header} button")
    expected = sorted((chain["saved_bytes_before"] for chain in chains), reverse=True)
    equal(sizes(page, "#chains-table td:nth-child(5) data"), expected, "largest first")
    equal(page.evaluate(f"document.querySelector('{header}').getAttribute('aria-sort')"), "descending", "aria-sort")
    press(page, f"{header} button")
    equal(sizes(page, "#chains-table td:nth-child(5) data"), expected[::-1], "smallest first")
    page.evaluate("document.getElementById('chains-filter').focus()")
    page.type("kept silu")
    kept = [chain["name"] for chain in chains if chain["strategy"] == "kept"]
    equal(sorted(names()), sorted(kept), "what the filter shows")
    equal(text(page, "#chains-count"), f"{len(kept)} of {len(chains)}", "the count")


def check_report_without_a_plan(open_page):
    """A report of version 1 shows what it has, and says what it has not."""
    report = {key: value for key, value in typical().items()
              if key not in ("plan", "arena_bytes", "max_live_bytes", "lower_bound_bytes", "recompute_bytes")}
    page = open_page({**report, "version": 1})
    equal(shown_sections(page), ["summary", "chains"], "sections")
    assert "no memory plan" in text(page, "#notice"), text(page, "#notice")
    equal(sizes(page, "#figure-saved_bytes_after"), [report["saved_bytes_after"]], "saved bytes")


def check_small_plans(open_page):
    """No buffers, one step, no curve, no timeline, nothing at all: the page shows the rest."""
    report = typical()
    plan = report["plan"]
    everything = ["summary", "timeline", "arena", "peak", "curve", "chains"]
    without = lambda *names: [name for name in everything if name not in names]
    page = open_page({**report, "plan": {**plan, "curve": []}})
    equal(shown_sections(page), without("curve"), "sections without a curve")
    page = open_page({**report, "plan": {**plan, "timeline": {"before": [], "after": []}}})
    equal(shown_sections(page), without("timeline"), "sections without a timeline")
    page = open_page({**report, "arena_bytes": 0, "max_live_bytes": 0, "lower_bound_bytes": 0,
                      "plan": {**plan, "buffers": []}})
    equal(shown_sections(page), everything, "sections without buffers")
    page.evaluate("document.getElementById('arena-chart').focus()")
    for key in ("Home", "ArrowRight", "n", "p", "+", "0", "Escape"):
        page.key(key)
    equal(text(page, "#buffer-details dd"), "the plan has no buffers", "the details")
    page = open_page(one_step())
    equal(page.evaluate("document.getElementById('arena-canvas').dataset.drawn"), "1", "rectangles")
    equal(sizes(page, "#peak-table tfoot data"), [16], "the total")
    equal(texts(page, "#peak-table tbody td:nth-child(3)"), ["16 B"], "a small size")
    page = open_page({"version": 2, "function": "f", "chains": [], "plan": {}})
    equal(shown_sections(page), ["summary", "arena", "chains"], "sections of an empty plan")


def one_step():
    return {"version": 2, "function": "f", "batch_norms": 0, "argument_bytes": 0, "saved_bytes_before": 0,
            "saved_bytes_after": 0, "peak_live_bytes_before": 16, "peak_live_bytes_after": 16, "arena_bytes": 16,
            "max_live_bytes": 16, "lower_bound_bytes": 16, "recompute_bytes": 0, "recompute_flops": 0, "chains": [],
            "plan": {"steps": [{"op": "dnn.relu", "location": "f", "phase": "forward", "recomputed": False}],
                     "buffers": [{"name": "b", "location": "f", "type": "tensor<4xf32>", "bytes": 16, "offset": 0,
                                  "lower": 0, "upper": 0, "kind": "unheard of", "alive_because": "returned"}],
                     "timeline": {"before": [{"at": 0, "bytes": 16}], "after": [{"at": 0, "bytes": 16}]},
                     "peak_step": 0, "backward_from": 1,
                     "curve": [{"budget_bytes": None, "arena_bytes": 16, "recompute_bytes": 0, "recompute_flops": 0,
                                "convolutions_recomputed": 0, "chosen": True}]}}


def check_unreadable_report(open_page):
    for report in ("", "{", "[1", "null"):
        page = open_page(report)
        equal(text(page, "#notice"), "This page holds no report that can be read.", f"what {report!r} shows")


HOSTILE = ["</script><script>window.hacked = 1</script>", "<img src=x onerror='window.hacked = 2'>", "<!-- <script>",
           "\" onmouseover=\"window.hacked = 3\" x=\"", "'&lt;b&gt;&amp;", "]]>", "\u2028\u2029\u202e\u0000 \\u003c",
           "名前 ☃ 🙂 é", "javascript:window.hacked=4", "${window.hacked = 5}", "@ABN_DATA@", "@INCLUDE Style.css@"]


def check_hostile_strings(open_page):
    """Whatever stands in a string is shown, not run: no element, attribute or script comes of it."""
    report = typical()
    plan = report["plan"]
    strings = iter(HOSTILE * 10_000)
    report["function"] = report["numerics"] = report["objective"] = "".join(HOSTILE)
    for item in [*plan["steps"], *plan["buffers"], *report["chains"]]:
        for key, value in item.items():
            if isinstance(value, str) and key != "kind":
                item[key] = next(strings)
        next(strings)
    page, plain = open_page(report), open_page(typical())
    selectors = ["script", "img", "b", "style", "[onmouseover]", "[onerror]"]
    count = f"{selectors}.map(s => document.querySelectorAll(s).length)"
    equal(page.evaluate(count), plain.evaluate(count), "elements that could have been made")
    page.evaluate("document.getElementById('arena-chart').focus()")
    seen = set()
    for _ in range(len(HOSTILE)):
        page.key("n")
        at = int(page.evaluate("document.getElementById('buffer-details').dataset.buffer"))
        shown = page.evaluate("document.querySelector('#buffer-details dd').textContent")
        equal(shown, plan["buffers"][at]["name"], "a name as it is shown")
        seen.add(shown)
    assert len(seen) > 3, seen
    title = page.evaluate("document.querySelector('h1').textContent")
    equal(title, f"Memory plan of @{report['function']}", "the title")
    equal(page.evaluate("window.hacked ?? null"), None, "what a string did")
    equal(page.evaluate("JSON.parse(document.getElementById('abn-data').textContent)"), report, "the page's data")
