"""A headless Chromium, driven through the DevTools protocol over a pipe: no driver and no package needed.

    with Browser() as browser:
        page = browser.open("page.html", width=360, dark=True)
        page.evaluate("document.title")
"""

import base64
import collections
import json
import os
import pathlib
import select
import shutil
import subprocess
import tempfile
import time

TIMEOUT = 60
SHIFT = 8
# What a key event needs besides the key's name.
KEY_CODES = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "PageUp": 33, "PageDown": 34, "End": 35, "Home": 36,
             "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}


def find_chromium():
    """Path of the browser, or None. ABN_CHROMIUM names another one."""
    names = [os.environ.get("ABN_CHROMIUM"), "chromium", "chromium-browser", "google-chrome"]
    return next(filter(None, (shutil.which(name) for name in names if name)), None)


class Browser:
    def __enter__(self):
        self.profile = tempfile.TemporaryDirectory(prefix="abn-chromium-", ignore_cleanup_errors=True)
        to_browser, self.to = os.pipe()
        self.source, from_browser = os.pipe()

        def take_pipe():
            """The browser reads commands from 3 and writes answers to 4."""
            ends = os.dup(to_browser), os.dup(from_browser)
            os.dup2(ends[0], 3)
            os.dup2(ends[1], 4)

        # The sandbox needs more rights than containers give; the pages are our own.
        command = [find_chromium(), "--headless", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
                   "--remote-debugging-pipe", "--no-first-run",
                   "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
                   "--force-device-scale-factor=1", f"--user-data-dir={self.profile.name}", "about:blank"]
        environment = {**os.environ, "HOME": self.profile.name}
        self.process = subprocess.Popen(command, preexec_fn=take_pipe, close_fds=False, env=environment,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.buffer, self.count, self.pages = b"", 0, {}
        return self

    def __exit__(self, *_):
        try:
            self.call("Browser.close")
        except (OSError, RuntimeError):
            self.process.kill()
        self.process.wait(TIMEOUT)
        os.close(self.to)
        os.close(self.source)
        self.profile.cleanup()

    def call(self, method, session=None, **parameters):
        """Sends a command and returns its result; events that come meanwhile go to their pages."""
        self.count += 1
        number = self.count
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.to, data):]
        while True:
            answer = self.receive()
            if answer.get("id") == number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def receive(self):
        deadline = time.monotonic() + TIMEOUT
        while b"\0" not in self.buffer:
            if not select.select([self.source], [], [], max(0, deadline - time.monotonic()))[0]:
                raise RuntimeError("chromium does not answer")
            chunk = os.read(self.source, 1 << 20)
            if not chunk:
                raise RuntimeError("chromium ended")
            self.buffer += chunk
        line, _, self.buffer = self.buffer.partition(b"\0")
        answer = json.loads(line)
        page = self.pages.get(answer.get("sessionId"))
        if page and "method" in answer:
            page.on_event(answer["method"], answer["params"])
        return answer

    def open(self, path, width=1200, height=900, dark=False, reduced_motion=False):
        """A page that has loaded. `reduced_motion` and `dark` are what the system would say."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self.pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.call(f"{domain}.enable")
        page.resize(width, height)
        page.emulate("", dark, reduced_motion)
        page.load(pathlib.Path(path).resolve().as_uri())
        return page


class Page:
    def __init__(self, browser, session):
        self.browser, self.session = browser, session
        self.problems = []  # what the console and the browser complained of
        self.requests = []  # addresses asked for
        self.events = collections.Counter()

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def on_event(self, method, parameters):
        self.events[method] += 1
        if method == "Runtime.consoleAPICalled":
            self.problems.append(f"console: {parameters['type']}")
        elif method == "Runtime.exceptionThrown":
            details = parameters["exceptionDetails"]
            self.problems.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Log.entryAdded":
            self.problems.append(parameters["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])

    def load(self, url):
        loads = self.events["Page.loadEventFired"]
        self.call("Page.navigate", url=url)
        while self.events["Page.loadEventFired"] == loads:
            self.browser.receive()
        self.settle()

    def resize(self, width, height=900):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def emulate(self, media="", dark=False, reduced_motion=False):
        """`media`: "print" or "" for the screen."""
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
                    {"name": "prefers-reduced-motion", "value": "reduce" if reduced_motion else "no-preference"}]
        self.call("Emulation.setEmulatedMedia", media=media, features=features)

    def evaluate(self, expression):
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"].get("exception", {}).get("description", expression))
        return result["result"].get("value")

    def settle(self):
        """Waits until the page has reacted and painted, which only a page in front does."""
        self.call("Page.bringToFront")
        self.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))")

    def key(self, key, shift=False):
        code = KEY_CODES.get(key, ord(key[0].upper()))
        event = {"key": key, "windowsVirtualKeyCode": code, "modifiers": SHIFT * shift}
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        self.call("Input.dispatchKeyEvent", type="keyDown", **event, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **event)

    def type(self, text):
        self.call("Input.insertText", text=text)

    def mouse(self, kind, x, y, **more):
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def click(self, x, y):
        for kind in ("mousePressed", "mouseReleased"):
            self.mouse(kind, x, y, button="left", clickCount=1)

    def screenshot(self, path, full=True):
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=full)["data"]
        pathlib.Path(path).write_bytes(base64.b64decode(data))
