"""Checks of the memory page in Chromium: page_checks.py NAME...

Every page that a check opens must also have left the console silent and asked for nothing but itself.
"""

import sys
import tempfile

import checks_arena
import checks_content
import checks_looks
import chromium
import page_under_test

CHECKS = {name.removeprefix("check_").replace("_", "-"): function
          for module in (checks_content, checks_arena, checks_looks)
          for name, function in vars(module).items() if name.startswith("check_")}
NAMES = sorted(CHECKS)


def main(names):
    with tempfile.TemporaryDirectory() as folder, chromium.Browser() as browser:
        for name in names:
            opener = page_under_test.Opener(browser, folder)
            CHECKS[name](opener)
            opener.check_quiet()
            print(f"{name}: passed, {len(opener.pages)} pages")


if __name__ == "__main__":
    main(sys.argv[1:] or NAMES)
