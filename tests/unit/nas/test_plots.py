"""Modules of plots become one script or are refused, and what plots are fed with is JSON."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import pytest

from nas import plots
from nas.backdrop import landmarks
from nas.plots.bundle import Unbundled, bundle
from nas.plots.documents import cloud_document
from nas.records import CandidateState, LedgerRow
from nas.statistics.cloud import Points
from nas.testing.builders import START, make_search

EARLIER = {"a.js": "export const one = 1;\nconst two = 2;\nexport async function three() {\n  await two;\n}\n"}


def test_every_module_of_plots_goes_into_one_script() -> None:
    script = bundle({name: plots.text(name) for name in plots.SCRIPTS})
    assert [script.index(f'modules["{name}"]') for name in plots.SCRIPTS] == sorted(
        script.index(f'modules["{name}"]') for name in plots.SCRIPTS
    )
    assert not any(line.startswith(("import ", "export ")) for line in script.splitlines())
    assert "return {makeFront};" in script


def test_a_module_takes_names_of_an_earlier_one_over_several_lines() -> None:
    script = bundle(EARLIER | {"b.js": 'import {\n  one,\n  three,\n} from "./a.js";\nthree(one);\n'})
    assert 'const { one, three } = modules["a.js"];' in script
    assert "return {one, three};" in script  # not the private one


@pytest.mark.parametrize(
    "line",
    [
        'import { two } from "./a.js";',
        'import { one } from "./later.js";',
        'import { one as first } from "./a.js";',
        'import one from "./a.js";',
        'import * as all from "./a.js";',
        'import "./a.js";',
        'import { one } from "https://example.org/a.js";',
        "export default 1;",
        "export { one };",
        'export * from "./a.js";',
        'const all = await import("./a.js");',
        "const here = import.meta.url;",
        "await 0;",
        "const zero = await 0;",
        "for await (const one of []) one();",
    ],
)
def test_what_is_not_understood_is_refused_by_its_line(line: str) -> None:
    with pytest.raises(Unbundled, match=r"^b\.js cannot be bundled: ") as refused:
        bundle(EARLIER | {"b.js": f"const b = 1;\n{line}\n"})
    assert refused.value.module == "b.js"
    assert line in refused.value.line or refused.value.line in line


@pytest.mark.parametrize("name", ["../front.js", "__init__.py", "", "plotly.min.js"])
def test_no_other_file_is_read(name: str) -> None:
    with pytest.raises(KeyError):
        plots.text(name)


def test_plotly_s_script_is_found_without_loading_plotly() -> None:
    code = "import sys; from nas import plots; sys.exit(len(plots.plotly()) < 10**6 or 'plotly' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_document_of_a_cloud_has_null_for_what_is_not_known() -> None:
    points, search = Points(), make_search(baseline={"psnr_db": 28.5, "ssim": math.nan})
    scores = {"psnr_db": 30.12345678, "params": 7.0}
    row = LedgerRow(
        ordinal=3,
        genotype_digest="3",
        state=CandidateState.SCORED,
        operator="random",
        asked_at=START,
        told_ordinal=0,
        told_at=START,
        violation=0.0,
        scores=scores,
    )
    points.add(row)
    document = cloud_document(search, points.cloud([], {3}, most=5), landmarks(search.spec))
    found = json.loads(document.model_dump_json())
    assert (found["ordinal"], found["front"], found["operators"]) == ([3], [True], ["random"])
    assert (found["figures"]["psnr_db"], found["figures"]["ssim"]) == ([30.123457], [None])
    assert found["baseline"] == {"psnr_db": 28.5, "ssim": None}
    assert all(network["source"] for network in found["published"])
