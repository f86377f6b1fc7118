"""Modules become one script, for pages that cannot fetch any: a file that somebody opens has no origin to ask.

No more of the language is understood than our modules are written in: imports by name from a module that comes
earlier, and exports where a thing is declared. Anything else is refused. Every module keeps its private names, in a
function of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_IMPORT = re.compile(r'^import \{([\w$,\s]+)\} from "\./([\w.-]+)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async function|function|const|class) ([\w$]+))", re.MULTILINE)
_WAITING = r"^(?!//|/\*|.*\basync\b)(?=\S).*\bawait\b.*"
"""A line at the top, since it is not indented, that waits outside of a function."""
_OTHER = re.compile(rf"^(?:import|export)\b.*|{_WAITING}|\bimport\s*[.(].*", re.MULTILINE)


class Unbundled(ValueError):
    """A module has something that the bundler does not understand.

    Attributes:
        module: Which.
        line: What.
    """

    def __init__(self, module: str, line: str, why: str) -> None:
        super().__init__(f"{module} cannot be bundled: {why}: {line.strip()}")
        self.module, self.line = module, line.strip()


def bundle(modules: Mapping[str, str]) -> str:
    """Return one classic script that does what the modules do, in their order.

    Args:
        modules: Their texts by name, each after those that it imports.

    Raises:
        Unbundled: One imports what no earlier one exports, or has another form of import or export, or waits at its
            top, which only true modules can.

    >>> print(bundle({"a.js": "export const one = 1;", "b.js": 'import { one } from "./a.js";'}))
    "use strict";
    const modules = {};
    modules["a.js"] = (() => {
    const one = 1;
    return {one};
    })();
    modules["b.js"] = (() => {
    const { one } = modules["a.js"];
    return {};
    })();
    """
    offered: dict[str, list[str]] = {}
    wrapped = []
    for name, text in modules.items():
        body, offered[name] = _body(name, text, offered)
        wrapped.append(f'modules["{name}"] = (() => {{\n{body}\nreturn {{{", ".join(offered[name])}}};\n}})();')
    return "\n".join(['"use strict";', "const modules = {};", *wrapped])


def _body(name: str, text: str, offered: Mapping[str, list[str]]) -> tuple[str, list[str]]:
    """A module as the inside of a function, and the names that it offers."""

    def taken(found: re.Match[str]) -> str:
        wanted, source = re.findall(r"[\w$]+", found[1]), found[2]
        if missing := [one for one in wanted if one not in offered.get(source, [])]:
            raise Unbundled(name, found[0], f"no earlier {source} exports {', '.join(missing)}")
        return f'const {{ {", ".join(wanted)} }} = modules["{source}"];'

    names = [found[1] for found in _EXPORT.finditer(text)]
    body = _EXPORT.sub("", _IMPORT.sub(taken, text))
    if found := _OTHER.search(body):
        raise Unbundled(name, found[0], "it takes imports by name and exports where a thing is declared")
    return body.strip(), names
