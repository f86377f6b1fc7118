"""The main job from end to end, on the photographs beside this file: search, front, export, upscale.

Starts a service of its own, asks it for a small search through the Python client, and compares the best network with
bicubic on a photograph that no network was trained on. Takes about three minutes on two cores; everything it writes
lies in `demo-output`.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from api.client import ApiError, Client
from api.display import standing, table_of_front
from api.schemas import CandidateSummary, SearchView
from evaluator.data.degrade import imresize
from evaluator.data.images import ImagePair
from evaluator.metrics.protocol import PROTOCOLS
from evaluator.score import score_image
from nas.console import INTERRUPTED, err, out
from nas.display import gain, progress_bar
from nas.models import load_model
from nas.upscaling import bicubic, side_by_side, upscale

PHOTOS = Path(__file__).parent / "photos"
OUTPUT = Path("demo-output").resolve()
START_TIMEOUT_S, STOP_TIMEOUT_S = 60, 30

HELD_OUT = ("gb82_city.png", "chelsea.png")
"""Photographs that networks are scored on and never trained on; the first one is upscaled in the end."""

SPEC = {
    "name": "demo",
    "space": "falsr",
    "scale": 2,
    "channels": 1,
    "dataset": {"train": "train", "validation": "validation", "validation_crop": 96},
    "objectives": ["psnr", "fsds", "mult_adds"],
    "constraints": [{"metric": "mult_adds", "max": 8e9}],
    "recipe": {"steps": 200, "batch": 8, "patch": 24},
    "population": 6,
    "budget": {"evaluations": 16},
    "seed": 1,
}
FILES = {
    "comparison.png": "a held-out photograph, by bicubic and by the network",
    "upscaled.png": "the whole photograph by the network",
    "network.onnx": "the best network, RGB in and RGB out, for any ONNX runtime",
    "network.safetensors": "its weights, with its genotype",
    "network.svg": "its drawing",
    "front.csv": "every network of the front",
    "home/": "the service's database, weights and artifacts",
    "images/": "the photographs, split",
    "service.log": "what the service said",
}

DETAIL = (110, 130, 230, 250)
"""Left, upper, right and lower edge of the part that the picture shows."""
ZOOM = 3


def main() -> int:
    """Run the demo; the exit status is 0 only if the best network beats bicubic."""
    shutil.rmtree(OUTPUT, ignore_errors=True)
    split_photographs()
    with service() as url, Client(url) as client:
        search = run_search(client)
        best = max(client.front(search.id).members, key=lambda member: member.scores["psnr_db"] or 0.0)
        onnx = export(client, best)
    better = compare(onnx)
    out.print(f"\neverything lies in {OUTPUT}:", soft_wrap=True)
    for name, what in FILES.items():
        out.print(f"  {name:<20} {what}")
    look = f"srnas serve --home {OUTPUT / 'home'} --images-root {OUTPUT / 'images'}"
    out.print(f"look around with: {look}", soft_wrap=True)
    validated = (best.scores["psnr_db"] or 0.0) > (search.baseline["psnr_db"] or 0.0)
    if better and validated:
        return 0
    err.print("the best network did not beat bicubic on photographs that it was not trained on")
    return 1


def split_photographs() -> None:
    """Copy the photographs into a folder to train on and one to score on."""
    for path in sorted(PHOTOS.glob("*.png")):
        folder = OUTPUT / "images" / ("validation" if path.name in HELD_OUT else "train")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder)


@contextmanager
def service() -> Iterator[str]:
    """A service with a fresh database on a free port, as `srnas serve` starts it; stopped afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "api", "serve", "--port", str(port)]
    command += ["--home", str(OUTPUT / "home"), "--images-root", str(OUTPUT / "images")]
    with (OUTPUT / "service.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            yield wait_until_ready(f"http://127.0.0.1:{port}", process)
        finally:
            process.terminate()
            process.wait(STOP_TIMEOUT_S)


def wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> str:
    """Return the URL once the service answers there."""
    deadline = time.monotonic() + START_TIMEOUT_S
    with Client(url) as client:
        while not client.ready():
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"the service did not start:\n{(OUTPUT / 'service.log').read_text()}")
            time.sleep(0.2)
    out.print(f"service ready at {url}")
    return url


def run_search(client: Client) -> SearchView:
    """Submit the search, follow it to its end and print its front."""
    submitted = client.submit(SPEC)
    with progress_bar(err) as show:
        search = client.wait(submitted.id, on_progress=lambda seen: show(standing(seen)), poll_s=0.5)
    if search.state != "completed":
        sys.exit(f"the search is {search.state}: {search.reason}")
    out.print(table_of_front(client.front(search.id)))
    (OUTPUT / "front.csv").write_text(client.front_as("csv", search.id), encoding="utf-8")
    bicubic_psnr_db = search.baseline["psnr_db"]
    out.print(f"best PSNR on held-out photographs: {gain(search.progress.best_psnr_db, bicubic_psnr_db)}")
    return search


def export(client: Client, best: CandidateSummary) -> Path:
    """Fetch a network as ONNX and as safetensors; returns the ONNX file."""
    (OUTPUT / "network.svg").write_text(client.drawing(best.id), encoding="utf-8")
    for file_format in ("safetensors", "onnx"):
        artifact = client.wait_for_artifact(client.export(best.id, file_format).id)
        path = client.download(artifact.id, OUTPUT / f"network.{file_format}")
        difference = artifact.detail["max_difference"]
        out.print(f"exported {path.name}: {artifact.size_bytes:,} bytes, within {difference:.1e} of the network")
    return path


def compare(model: Path) -> bool:
    """Upscale a held-out photograph by the exported file and by bicubic; returns whether the network is better."""
    upscaler = load_model(model)
    truth = np.asarray(Image.open(PHOTOS / HELD_OUT[0]).convert("RGB"))
    small = imresize(truth, 1 / upscaler.scale)
    pair = ImagePair(name=HELD_OUT[0], hr=truth, lr=small)
    results = {
        "bicubic": bicubic(Image.fromarray(small), upscaler.scale),
        "network": upscale(upscaler, Image.fromarray(small)),
    }
    psnr_db = {name: score(picture, pair) for name, picture in results.items()}
    panels = [(f"{name} {psnr_db[name]:.2f} dB", detail(picture)) for name, picture in results.items()]
    side_by_side([*panels, ("original", detail(Image.fromarray(truth)))]).save(OUTPUT / "comparison.png")
    results["network"].save(OUTPUT / "upscaled.png")
    out.print(f"{HELD_OUT[0]}: " + ", ".join(f"{name} {value:.2f} dB" for name, value in psnr_db.items()))
    return psnr_db["network"] > psnr_db["bicubic"]


def score(picture: Image.Image, pair: ImagePair) -> float:
    """PSNR in dB of an 8-bit picture under the protocol that the search scored with."""
    prediction = torch.tensor(np.asarray(picture)).permute(2, 0, 1) / 255
    return score_image(prediction, pair, PROTOCOLS["y-float"], metrics=["psnr_db"]).psnr_db or 0.0


def detail(picture: Image.Image) -> Image.Image:
    """A part of a picture, every pixel enlarged."""
    part = picture.crop(DETAIL)
    return part.resize((ZOOM * part.width, ZOOM * part.height), Image.Resampling.NEAREST)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except ApiError as error:
        sys.exit(str(error))
