"""Drives a Firefox that was started with --marionette: firefox_consumer.py PROFILE URL SCREENSHOT PIN...

Opens the URL, types one PIN after the other into Firefox's own dialogs and cancels the dialog after the last. Prints each
dialog's text and the page's title and text, saves a screenshot, and ends Firefox.

Marionette (https://firefox-source-docs.mozilla.org/testing/marionette/) is JSON over TCP, each message behind its length.
"""

import base64
import json
import pathlib
import socket
import sys
import time

# WebDriver may not type into password prompts; a script with the browser's own rights may.
TYPIST = """
  const pins = arguments[0];
  globalThis.dialogs = [];
  Services.obs.addObserver(window => {
    const {args, ui} = window.Dialog;
    dialogs.push(args.text);
    const pin = pins.shift();
    if (pin) ui.password1Textbox.value = pin;
    // Its buttons take no click in the first moments.
    const button = pin ? ui.button0 : ui.button1;
    const press = () => button.disabled ? window.setTimeout(press, 50) : button.click();
    press();
  }, "common-dialog-loaded");
"""

MODULES = """
  const db = Cc["@mozilla.org/security/pkcs11moduledb;1"].getService(Ci.nsIPKCS11ModuleDB);
  return (async () => Array.from(await db.listModules(), module => module.name).join(", "))();
"""


class Marionette:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.stream = self.socket.makefile("rb")
        self.number = 0
        self.receive()

    def receive(self):
        length = b""
        while (byte := self.stream.read(1)) != b":":
            if not byte:
                raise EOFError("Firefox closed the connection")
            length += byte
        return json.loads(self.stream.read(int(length)))

    def call(self, command, **parameters):
        self.number += 1
        message = json.dumps([0, self.number, command, parameters]).encode()
        self.socket.sendall(b"%d:%s" % (len(message), message))
        while True:
            _, number, error, result = self.receive()
            if number != self.number:
                continue
            if error:
                raise RuntimeError(f"{command}: {error['error']}: {error['message']}")
            return result

    def script(self, context, script, *arguments):
        self.call("Marionette:SetContext", value=context)
        sandbox = {"sandbox": "system", "newSandbox": False} if context == "chrome" else {}
        return self.call("WebDriver:ExecuteScript", script=script, args=arguments, **sandbox)["value"]


def poll(seconds, what, function):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if result := function():
                return result
        except (OSError, RuntimeError, ValueError):
            pass
        time.sleep(0.1)
    raise TimeoutError(f"no {what} within {seconds} s")


def main(profile, url, screenshot, *pins):
    # Firefox writes the port that it chose here.
    firefox = poll(30, "Firefox", lambda: Marionette(int((pathlib.Path(profile) / "MarionetteActivePort").read_text())))
    # "none": opening a page does not wait for it, since a dialog may come first.
    wanted = {"pageLoadStrategy": "none", "unhandledPromptBehavior": "ignore"}
    session = firefox.call("WebDriver:NewSession", capabilities={"alwaysMatch": wanted})
    print("Firefox", session["capabilities"]["browserVersion"])
    print("modules:", firefox.script("chrome", MODULES))
    firefox.script("chrome", TYPIST, list(pins))
    firefox.call("Marionette:SetContext", value="content")
    firefox.call("WebDriver:Navigate", url=url)
    # An error page never becomes "complete".
    loaded = "return document.readyState != 'loading' && document.documentURI != 'about:blank' && document.documentURI"
    place = poll(30, "page", lambda: firefox.script("content", loaded))
    for text in firefox.script("chrome", "return globalThis.dialogs"):
        print("dialog:", text)
    print("page:", place.split("&")[0])
    print("text:", firefox.script("content", "return document.body.innerText"))
    shot = firefox.call("WebDriver:TakeScreenshot", full=False)["value"]
    pathlib.Path(screenshot).write_bytes(base64.b64decode(shot))
    firefox.call("Marionette:Quit", flags=["eForceQuit"])


main(*sys.argv[1:])
