"""browser.py chromium|firefox URL - a page without a screen; prints its text.

What the page is about is over when its title is not "asking" any more.
"""
import json
import os
import socket
import subprocess
import sys
import tempfile
import time

PATIENCE = 40  # seconds, for anything at all
MARIONETTE = 2828  # Firefox listens there
LOOK = """const look = () => (document.title === 'asking'
  ? setTimeout(look, 50)
  : done(`${document.title} ${document.body.textContent}`));
look();"""


def started(profile, *command, **more):
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env=dict(os.environ, HOME=profile), **more)


class Chromium:
    """Chrome's protocol: JSON between zero bytes, over two pipes."""

    def __init__(self, profile):
        self.n = 0
        ours, self.out = os.pipe()
        self.come, theirs = os.pipe()
        # It takes descriptors 3 and 4, whatever they are here.
        self.process = started(
            profile, "sh", "-c", f'exec chromium "$@" 3<&{ours} 4>&{theirs}',
            "chromium", "--headless", "--no-sandbox", "--disable-gpu",
            "--disable-quic", "--no-first-run", "--disable-sync",
            "--disable-background-networking", "--disable-component-update",
            f"--user-data-dir={profile}", "--remote-debugging-pipe",
            pass_fds=(ours, theirs))
        os.close(ours)
        os.close(theirs)
        self.stream = os.fdopen(self.come, "rb")

    def read(self):
        text = bytearray()
        while (byte := self.stream.read(1)) != b"\0":
            assert byte, "Chromium is gone"
            text += byte
        return json.loads(text)

    def call(self, method, session=None, **parameters):
        self.n += 1
        message = {"id": self.n, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while (answer := self.read()).get("id") != self.n:
            pass
        assert "error" not in answer, answer
        return answer["result"]

    def text_of(self, url):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target,
                            flatten=True)["sessionId"]
        self.call("Page.enable", session)
        error = self.call("Page.navigate", session, url=url).get("errorText")
        if error:
            return error
        while self.read().get("method") != "Page.loadEventFired":
            pass
        return self.call(
            "Runtime.evaluate", session, awaitPromise=True,
            expression="new Promise((done) => {%s})" % LOOK)["result"]["value"]


class Firefox:
    """Marionette: a length, a colon and JSON, over TCP."""

    def __init__(self, profile):
        self.n = 0
        self.process = started(
            profile, "firefox-esr", "--headless", "--no-remote", "--marionette",
            "--profile", profile)
        self.link = self.connected()
        self.stream = self.link.makefile("rb")
        self.read()

    def connected(self):
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return socket.create_connection(
                    ("127.0.0.1", MARIONETTE), PATIENCE)
            except OSError:
                assert self.process.poll() is None, "Firefox ended"
                assert time.monotonic() < end, "Firefox does not listen"
                time.sleep(0.05)

    def read(self):
        length = b""
        while (byte := self.stream.read(1)) != b":":
            assert byte, "Firefox is gone"
            length += byte
        return json.loads(self.stream.read(int(length)))

    def call(self, command, **parameters):
        self.n += 1
        text = json.dumps([0, self.n, command, parameters])
        self.link.sendall(f"{len(text)}:{text}".encode())
        _, _, error, value = self.read()
        if error:
            sys.exit(f"{command}: {error['error']}: {error['message']}")
        return value

    def text_of(self, url):
        self.call("WebDriver:NewSession")
        self.call("WebDriver:Navigate", url=url)
        return self.call(
            "WebDriver:ExecuteAsyncScript", args=[],
            script="const [done] = arguments; " + LOOK)["value"]


with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
    browser = {"chromium": Chromium, "firefox": Firefox}[sys.argv[1]](folder)
    try:
        print(browser.text_of(sys.argv[2]))
    finally:
        browser.process.kill()
        browser.process.wait()
