"""A headless Chromium, driven through two pipes: no driver, no port, no package."""

import base64
import fcntl
import json
import os
import shutil
import signal
import tempfile

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    "--headless=new --remote-debugging-pipe --no-sandbox --disable-gpu --disable-dev-shm-usage "
    "--no-first-run --disable-extensions --disable-background-networking --hide-scrollbars"
)


def find_browser():
    """Return the path of a Chromium, or skip the test."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip("no Chromium on this machine")
    return found


class Browser:
    """One tab. `messages` holds what the console said, `requests` what was asked for."""

    def __init__(self, path):
        self._profile = tempfile.mkdtemp()
        here_in, there_out = _pipe()
        there_in, here_out = _pipe()
        actions = [(os.POSIX_SPAWN_DUP2, there_in, 3), (os.POSIX_SPAWN_DUP2, there_out, 4)]
        actions += [(os.POSIX_SPAWN_OPEN, n, os.devnull, os.O_WRONLY, 0) for n in (1, 2)]
        arguments = [path, *_FLAGS.split(), f"--user-data-dir={self._profile}", "about:blank"]
        self._process = os.posix_spawn(
            path, arguments, os.environ, file_actions=actions, setpgroup=0
        )
        os.close(there_in)
        os.close(there_out)
        self._in, self._out = os.fdopen(here_in, "rb"), os.fdopen(here_out, "wb")
        self._waiting = b""
        self._number = 0
        self.messages, self.requests, self._events = [], [], []
        target = self._send("Target.createTarget", {"url": "about:blank"}, None)["targetId"]
        attach = {"targetId": target, "flatten": True}
        self._session = self._send("Target.attachToTarget", attach, None)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def send(self, method, **parameters):
        """Call a method of the DevTools protocol; return its result."""
        return self._send(method, parameters, self._session)

    def _send(self, method, parameters, session):
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        self._out.write(json.dumps(message).encode() + b"\0")
        self._out.flush()
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def _receive(self):
        while b"\0" not in self._waiting:
            part = os.read(self._in.fileno(), 1 << 20)
            assert part, "the browser is gone"
            self._waiting += part
        text, _, self._waiting = self._waiting.partition(b"\0")
        message = json.loads(text)
        self._note(message.get("method"), message.get("params"))
        return message

    def _note(self, method, event):
        if method in ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled"):
            self.messages.append(event)
        if method == "Network.requestWillBeSent":
            self.requests.append(event["request"]["url"])
        if method is not None:
            self._events.append(method)

    def open(self, path, width=1100, height=900):
        """Load a file into a window of that many CSS pixels."""
        self.messages.clear()
        self.requests.clear()
        self._events.clear()
        self.resize(width, height)
        self.send("Page.navigate", url=path.as_uri())
        while "Page.loadEventFired" not in self._events:
            self._receive()

    def resize(self, width, height):
        """Change the window; narrow ones are phones."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )

    def run(self, script):
        """Evaluate JavaScript; return its value."""
        answer = self.send("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def press(self, key, text=""):
        """Press a key as a person does; `text` is what it types."""
        code = {"Enter": 13, "ArrowLeft": 37, "ArrowRight": 39, "Tab": 9, "Home": 36, "End": 35}
        code |= {"ArrowUp": 38, "ArrowDown": 40, "PageUp": 33, "PageDown": 34, "Escape": 27}
        what = {"key": key, "code": key, "windowsVirtualKeyCode": code[key]}
        self.send("Input.dispatchKeyEvent", type="keyDown", text=text, **what)
        self.send("Input.dispatchKeyEvent", type="keyUp", **what)

    def click(self, selector):
        """Click the middle of an element with the mouse."""
        x, y = self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center'}); const b = e.getBoundingClientRect();"
            "return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def screenshot(self, path):
        """Write a picture of the whole page."""
        shot = self.send("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def pdf(self):
        """Print, and return the PDF."""
        return base64.b64decode(self.send("Page.printToPDF", preferCSSPageSize=True)["data"])

    def close(self):
        """End the browser and all its processes."""
        os.killpg(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        self._in.close()
        self._out.close()
        shutil.rmtree(self._profile, ignore_errors=True)


def _pipe():
    """A pipe whose ends are not 3 or 4, which the browser wants for itself."""
    ends = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
    for end in ends:
        os.close(end)
    return high
