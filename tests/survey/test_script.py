"""Scripts surveyed in processes of their own: what is found, and what is said of those that cannot be used."""

from __future__ import annotations

import textwrap
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import pytest

from unslow import targets
from unslow.core.errors import WorkerFailed
from unslow.core.events import Tell, unheard
from unslow.core.facts import Facts
from unslow.core.jsonable import from_json, to_json
from unslow.core.script import ScriptFacts
from unslow.processes.base import Conditions
from unslow.processes.local import LocalProcesses
from unslow.read import read
from unslow.scripts.made import LOG, remove_made
from unslow.targets import Declared, content_hash

LOOP = """
import time, unslow
for n in range(1000):
    with unslow.step():
        time.sleep(0.002)
"""


class Surveyed:
    """What the survey of a script gave, and what it left."""

    def __init__(self, answer: dict[str, Any], log: str) -> None:
        self.facts = from_json(Facts, answer["facts"])
        assert self.facts.script is not None
        self.script: ScriptFacts = self.facts.script
        self.profile = read(Path(answer["recording"])).self_check()
        self.log = log


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def survey(
    project: Path, source: str, *arguments: str, timeout_s: float = 100.0, after: int = 0, told: Tell = unheard
) -> Surveyed:
    script = project / "train.py"
    script.write_text(textwrap.dedent(source))
    target = targets.locate(str(script), Declared(arguments=arguments))
    out = project.parent / "survey"
    out.mkdir(exist_ok=True)
    # As for users, whose runs do not lie among temporary files. The path is short: the workers of loaders make sockets
    # below it, and where a socket's address is too long (108 bytes) a batch is lost, and is waited for for ever.
    with TemporaryDirectory() as elsewhere:
        conditions = Conditions(out / "log", {"TMPDIR": elsewhere}, told=told)
        with LocalProcesses().start(conditions) as process:
            answer = process.ask("survey", timeout_s, target=to_json(target), folder=str(out), after=after)
            return Surveyed(answer, (out / "log").read_text())


def refusal(project: Path, source: str, *arguments: str) -> WorkerFailed:
    with pytest.raises(WorkerFailed) as caught:
        survey(project, source, *arguments)
    assert caught.value.todo and "\n" not in caught.value.what + caught.value.todo
    return caught.value


class TestWhatCannotBeUsed:
    def test_it_raises(self, project: Path) -> None:
        error = refusal(project, "def f():\n    raise ValueError('no data\\nmore')\nf()\n")
        assert error.what == "train.py:2 raised ValueError: no data"

    def test_it_raises_in_a_file_beside_it(self, project: Path) -> None:
        (project / "data.py").write_text("import json\njson.loads('{')\n")
        assert refusal(project, "import data\n").what.startswith("data.py:2 raised JSONDecodeError")

    def test_it_has_a_syntax_error(self, project: Path) -> None:
        assert "train.py:2 is no valid Python" in refusal(project, "x = 1\nx = = 2\n").what

    def test_it_exits_early(self, project: Path) -> None:
        assert "exit code 3" in refusal(project, "import sys\nsys.exit(3)\n").what

    def test_it_says_why_it_exits(self, project: Path) -> None:
        assert "'no GPU here'" in refusal(project, "import sys\nsys.exit('no GPU here')\n").what

    def test_it_is_given_the_wrong_arguments(self, project: Path) -> None:
        source = (
            "import argparse\np = argparse.ArgumentParser()\np.add_argument('--epochs', type=int)\np.parse_args()\n"
        )
        assert "exit code 2" in refusal(project, source, "--epochs", "many").what

    def test_it_never_steps(self, project: Path) -> None:
        error = refusal(project, "print(sum(range(1000)))\n")
        assert "took no step" in error.what and "unslow.step()" in error.todo

    def test_it_ends_after_a_few_steps(self, project: Path) -> None:
        error = refusal(project, LOOP.replace("1000", "5"))
        assert "too few steps (5 × " in error.what

    def test_it_reads_standard_input(self, project: Path) -> None:
        assert (
            refusal(project, "name = input('who? ')\n").what == "train.py:1 reads standard input, which is closed here."
        )

    def test_it_would_overwrite_a_file_elsewhere(
        self, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "tmp").mkdir()
        monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))  # else all of this test would lie among temporary files
        other = tmp_path / "model.pt"
        other.write_text("the user's")
        assert "would overwrite" in refusal(project, f"open({str(other)!r}, 'w')\n").what
        assert other.read_text() == "the user's"


class TestWhatIsKeptApart:
    def test_what_it_writes_lands_in_the_mirror(self, project: Path) -> None:
        (project / "checkpoint.txt").write_text("the user's")
        survey(project, "import os\nos.makedirs('out/deep')\nopen('checkpoint.txt', 'w').write('new')\n" + LOOP)
        assert (project / "checkpoint.txt").read_text() == "the user's"
        assert sorted(path.name for path in project.iterdir()) == ["checkpoint.txt", "train.py"]

    def test_so_does_what_is_written_past_python(self, project: Path) -> None:
        """As safetensors before 0.8 writes: in native code, through the link to a file that is too large to copy."""
        (project / "safetensors.py").write_text(
            textwrap.dedent(
                """
                import ctypes
                libc = ctypes.CDLL(None)
                libc.fopen.restype = ctypes.c_void_p
                def serialize_file(tensors, filename, metadata=None):
                    libc.fclose(ctypes.c_void_p(libc.fopen(filename.encode(), b"w")))
                """
            )
        )
        users = b"the user's" * 500_000
        (project / "model.safetensors").write_bytes(users)
        source = "import os, safetensors\nassert os.path.islink('model.safetensors')\n"
        survey(project, source + "safetensors.serialize_file({}, 'model.safetensors')\n" + LOOP)
        assert (project / "model.safetensors").read_bytes() == users

    @pytest.mark.parametrize(
        "writes",
        [
            "torch.jit.save(model, 'model.pt')",
            "model.save('model.pt')",
            "torch.jit.script(net).save('model.pt')",
            "torch.export.save(torch.export.export(net, (x,)), 'model.pt')",
        ],
    )
    def test_so_does_what_torch_writes_past_python(self, project: Path, writes: str) -> None:
        users = b"the user's" * 500_000
        (project / "model.pt").write_bytes(users)
        source = (
            "import os, torch, torch.export\nassert os.path.islink('model.pt')\n"
            "net, x = torch.nn.Linear(2, 2), torch.ones(1, 2)\n"
            f"model = torch.jit.trace(net, x)\n{writes}\nassert 0 < os.path.getsize('model.pt') < 100_000\n"
        )
        survey(project, source + LOOP)
        assert (project / "model.pt").read_bytes() == users

    def test_so_does_what_a_module_on_the_path_writes_beside_itself(
        self, project: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (project / "lib").mkdir()
        (project / "lib" / "mine.py").write_text("open(__file__ + '.log', 'w').write('x')\n")
        monkeypatch.setenv("PYTHONPATH", str(project / "lib"))
        survey(project, "import mine\n" + LOOP)
        assert [path.name for path in (project / "lib").iterdir() if path.suffix != ".pyc"] == ["mine.py"]

    def test_what_lies_beside_its_folder_is_found_and_kept(self, project: Path) -> None:
        (project.parent / "data").mkdir()
        (project.parent / "data" / "a.csv").write_text("1,2")
        source = "assert open('../data/a.csv').read() == '1,2'\nopen('../data/a.csv', 'w').write('3')\n"
        survey(project, source + "open('../data/new.csv', 'w').write('4')\n" + LOOP)
        assert [(path.name, path.read_text()) for path in (project.parent / "data").iterdir()] == [("a.csv", "1,2")]

    def test_what_a_survey_that_was_killed_left_is_in_nobodys_way(self, project: Path) -> None:
        (project / ".git").mkdir()
        left = project.parent / "survey" / "mirror" / "project"
        left.mkdir(parents=True)
        (left / ".git").symlink_to(project / ".git")
        assert survey(project, LOOP).script.step == "step" and (project / ".git").is_dir()

    def test_what_it_makes_elsewhere_is_noted_and_may_be_written_again(self, project: Path) -> None:
        elsewhere = project.parent / "results"
        source = f"import os\nos.makedirs({str(elsewhere)!r})\nopen('{elsewhere}/a', 'w').write('x')\n"
        survey(project, source + f"open('{elsewhere}/a', 'w').write('y')\n" + LOOP)
        assert (elsewhere / "a").read_text() == "y"
        assert remove_made(project.parent / "survey" / LOG) == (str(elsewhere),) and not elsewhere.exists()

    def test_the_modules_of_its_own_are_known_by_their_content(self, project: Path) -> None:
        (project / "model.py").write_text("WIDTH = 8\n")
        sources = survey(project, "import model\n" + LOOP).script.sources
        assert set(sources) == {str(project / "train.py"), str(project / "model.py")}
        assert sources[str(project / "model.py")] == content_hash(project / "model.py")

    def test_it_may_remove_what_it_has_written(self, project: Path) -> None:
        source = "import shutil, os\nos.makedirs('out')\nopen('out/a', 'w').close()\nshutil.rmtree('out')\n"
        assert survey(project, source + LOOP).script.step == "step"

    def test_what_it_starts_ends_with_it(self, project: Path) -> None:
        source = (
            "import subprocess, sys\n"
            "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)\n"
            "print('child', child.pid, flush=True)\n"
        )
        seen = survey(project, source + LOOP)
        pid = int(seen.log.split("child ")[1].split()[0])
        assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


class TestWhatItSees:
    def test_its_arguments_folder_and_name_are_its_own(self, project: Path) -> None:
        source = "import os, sys\nprint('seen', sys.argv[1:], os.path.basename(os.getcwd()), __name__, __file__)\n"
        said = survey(project, source + LOOP, "--epochs", "3").log
        assert "seen ['--epochs', '3'] project __main__ " in said and "project/train.py" in said

    def test_files_beside_it_can_be_imported_and_read(self, project: Path) -> None:
        (project / "data.py").write_text("rows = 7\n")
        (project / "table.csv").write_text("1,2\n")
        source = "import data, pathlib\nprint('seen', data.rows, pathlib.Path('table.csv').read_text())\n"
        assert "seen 7 1,2" in survey(project, source + LOOP).log


class TestSteps:
    def test_marked_ones(self, project: Path) -> None:
        seen = survey(project, LOOP.replace("1000", "100000"))
        assert seen.script.step == "step" and seen.script.steps >= 10 and not seen.script.ended
        assert 0.002 <= seen.facts.seconds_per_request < 0.1

    def test_python_shows_by_its_line(self, project: Path) -> None:
        seen = survey(
            project,
            """
            import unslow
            def rows():
                return sum(float(n) for n in range(60000))
            for n in range(10000):
                with unslow.step():
                    rows()
            """,
        )
        lines = {span.details["line"] for span in seen.profile.spans if span.details.get("sampled")}
        assert lines <= {4, 6, 7} and seen.profile.phases["Python"] > 0.8

    def test_a_script_that_profiles_itself(self, project: Path) -> None:
        seen = survey(
            project,
            """
            import torch
            model = torch.nn.Linear(8, 8)
            with torch.profiler.profile():
                for n in range(100000):
                    model(torch.ones(2, 8))
            """,
        )
        assert seen.script.step == "forward" and not any(span.details.get("op") for span in seen.profile.spans)

    def test_of_short_ones_nothing_is_told(self, project: Path) -> None:
        told: list[str] = []
        survey(project, LOOP.replace("1000", "100000"), told=told.append)
        assert not told

    @pytest.mark.slow
    def test_of_long_ones_it_is_told_how_far_it_is_and_whoever_waits_has_more_patience(self, project: Path) -> None:
        told: list[str] = []
        survey(project, LOOP.replace("0.002", "1.2"), timeout_s=15.0, told=told.append)
        assert len(told) > 2 and all("of about 21" in text and "1.2" in text for text in told)

    def test_steps_may_go_by_before_they_are_watched(self, project: Path) -> None:
        source = LOOP.replace("time.sleep(0.002)", "time.sleep(0.002)\n        if n < 60:\n            print(n)")
        assert not survey(project, source, after=60).script.written

    def test_else_they_are_watched_from_the_first_ones_on(self, project: Path) -> None:
        source = LOOP.replace("time.sleep(0.002)", "time.sleep(0.002)\n        if n < 60:\n            print(n)")
        assert [written.kind for written in survey(project, source).script.written] == ["print"]

    def test_a_script_that_catches_all_that_is_raised(self, project: Path) -> None:
        seen = survey(
            project,
            """
            import time, unslow
            def taken():
                with unslow.step():
                    time.sleep(0.002)
            while True:
                try:
                    taken()
                except:
                    continue
            """,
        )
        assert seen.script.step == "step" and not seen.script.ended

    def test_a_script_that_ends_while_it_is_watched(self, project: Path) -> None:
        seen = survey(project, LOOP.replace("1000", "40"))
        assert seen.script.ended and seen.script.steps == 40

    def test_a_plain_loop_of_pytorch(self, project: Path) -> None:
        seen = survey(
            project,
            """
            import torch
            from torch import nn
            from torch.utils.data import DataLoader, TensorDataset

            rows = TensorDataset(torch.randn(64, 4), torch.randn(64, 1))
            loader = DataLoader(rows, batch_size=8, shuffle=True)
            model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 1)).double().float()
            optimizer = torch.optim.Adam(model.parameters())
            for epoch in range(1000):
                for x, y in loader:
                    optimizer.zero_grad()
                    loss = ((model(x) - y) ** 2).mean()
                    loss.backward()
                    optimizer.step()
                    torch.save(model.state_dict(), "last.pt")
                    print("loss", loss.item())
                    last = loss.item()
            """,
        )
        script = seen.script
        assert script.step == "optimizer" and script.period == 8 and script.has_losses
        (loader,) = script.loaders
        assert (loader.items, loader.batch_size, loader.workers, loader.direct) == (64, 8, 0, True)
        assert loader.site.line == 7 and loader.deterministic and not loader.why_not_cached
        assert loader.item_bytes == 20
        assert {(written.kind, written.site.line, round(written.calls_per_step)) for written in script.written} == {
            ("checkpoint", 16, 1), ("print", 17, 1),
        }  # fmt: skip
        said = next(written for written in script.written if written.kind == "print")
        assert said.site.column == 8  # the print's own call, not one in the same line
        assert [noted.details["class"] for noted in script.of_kind("optimizer")] == ["Adam"]
        assert [noted.details["call"] for noted in script.of_kind("double")] == ["Module.double"]
        assert all(seen.profile.shares[kind] > 0 for kind in ("data", "compute", "io", "framework"))
        phases = {span.details.get("phase") for span in seen.profile.spans if span.parent >= 0}
        assert {"data", "forward", "backward", "optimizer", "zero-grad", "checkpoint", "print", "sync"} <= phases
        assert sum(seen.profile.phases.values()) == pytest.approx(1) and min(seen.profile.phases.values()) >= 0
        products = [span for span in seen.profile.spans if span.details.get("op") == "aten::addmm"]
        assert products and all(seen.profile.spans[span.parent].details["phase"] == "forward" for span in products)
        assert products[0].details["dtypes"][:2] == ["float32", "float32"]

    def test_evaluation_without_an_optimizer(self, project: Path) -> None:
        seen = survey(
            project,
            """
            import torch
            from torch.utils.data import DataLoader, TensorDataset

            model = torch.nn.Linear(4, 1)
            for _ in range(1000):
                for (x,) in DataLoader(TensorDataset(torch.randn(64, 4)), batch_size=8):
                    model(x)
            """,
        )
        assert seen.script.step == "loader" and not seen.script.has_losses
        (loader,) = seen.script.loaders  # one call, which made many
        assert loader.made > 1 and loader.epochs > 1

    def test_training_after_an_evaluation(self, project: Path) -> None:
        seen = survey(
            project,
            """
            import torch

            model = torch.nn.Linear(4, 1)
            optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
            for _ in range(30):
                model(torch.ones(1, 4))
            for _ in range(1000):
                model(torch.ones(1, 4)).sum().backward()
                optimizer.step()
            """,
        )
        assert seen.script.step == "optimizer" and seen.script.has_losses
        assert sum(span.name == "optimizer" for span in seen.profile.spans) >= 3

    def test_calls_of_a_model(self, project: Path) -> None:
        source = "import torch\nmodel = torch.nn.Linear(4, 1)\nwhile True:\n    model(torch.ones(1, 4))\n"
        assert survey(project, source).script.step == "forward"

    def test_a_data_set_that_augments(self, project: Path) -> None:
        seen = survey(
            project,
            """
            import random, torch
            from torch.utils.data import DataLoader

            class Rows:
                def __len__(self):
                    return 16
                def __getitem__(self, n):
                    return torch.full((2,), n + random.random())

            for _ in range(1000):
                for batch in DataLoader(Rows(), batch_size=4):
                    pass
            """,
        )
        assert not seen.script.loaders[0].deterministic and "random" in seen.script.loaders[0].why_not_cached
