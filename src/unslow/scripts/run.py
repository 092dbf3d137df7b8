"""Runs a user's script in this process as Python would, and tells a plan of every step that ends."""

from __future__ import annotations

import functools
import importlib.machinery
import os
import random
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from unslow.core.errors import BadInput, UnslowError
from unslow.core.script import StepKind
from unslow.scripts import events
from unslow.scripts.imports import when_imported
from unslow.scripts.made import LOG, Made
from unslow.scripts.mirror import Mirror
from unslow.scripts.pools import heed_environment
from unslow.scripts.sites import set_root
from unslow.scripts.stop import Enough, Stopping
from unslow.scripts.writes import keep_whole

Plan = Generator[None, StepKind, None]
"""Is sent the kind of every step at its end, and returns when it has what it needs: the script then ends."""


def run(mirror: Mirror, arguments: Iterable[str], plan: Plan, kinds: Iterable[StepKind] = events.KINDS) -> bool:
    """Run the script in its mirror until it ends, or `plan` does; True where the script ended by itself.

    `plan` has been started (`next`) before the script is. Only steps of the script's own main thread count.

    Raises
    ------
    BadInput
        The script raised; with the file and the line of its own that did.
    """
    main, stopping, is_the_script = threading.get_ident(), Stopping(), True

    def forked() -> None:
        nonlocal is_the_script
        is_the_script = False

    def stepped(kind: StepKind) -> None:
        if not is_the_script or threading.get_ident() != main:
            return
        try:
            plan.send(kind)
        except StopIteration:
            pass
        else:
            return
        stopping.now()

    os.register_at_fork(after_in_child=forked)
    events.listen(stepped, kinds)
    _prepare(mirror, arguments)
    module = _main_module(mirror.script)
    try:
        code = compile(_source(mirror), str(mirror.script), "exec", dont_inherit=True)
        exec(code, module.__dict__)
    except Enough:
        stopping.over()
        return False
    except SystemExit as error:
        if error.code not in (None, 0):
            raise BadInput(f"{mirror.script.name} ended with {_exit_words(error.code)}.", _alone(mirror)) from error
    except UnslowError:
        raise
    except EOFError as error:
        raise BadInput(
            f"{_place(error, mirror)} reads standard input, which is closed here.",
            "Give what it asks for as arguments.",
        ) from error
    except SyntaxError as error:
        where = f"{os.path.relpath(error.filename or '', mirror.folder)}:{error.lineno}"
        raise BadInput(f"{where} is no valid Python: {error.msg}.", _alone(mirror)) from error
    except BaseException as error:
        said = (str(error).strip() or "no message").splitlines()[0]
        raise BadInput(f"{_place(error, mirror)} raised {type(error).__name__}: {said}", _alone(mirror)) from error
    return True


def seed_everything(seed: int, offset: int) -> None:
    """Begin from `seed`; with an `offset` the script's own seeds are moved too, so that it runs as with another one."""
    random.seed(seed)
    when_imported("numpy.random", lambda module: _moved(module, "seed", seed, offset))
    when_imported("torch", lambda module: _moved(module, "manual_seed", seed, offset))
    if offset:
        _moved(random, "seed", seed, offset)


def _moved(module: Any, name: str, seed: int, offset: int) -> None:
    original = getattr(module, name)
    original(seed + offset)
    if offset:

        @functools.wraps(original)
        def moved(*args: Any, **kwargs: Any) -> Any:
            return original(*map(_plus(offset), args[:1]), *args[1:], **_by_name(kwargs, offset))

        setattr(module, name, moved)


SEED_NAMES = ("seed", "a")
"""As the functions that are moved call their seeds."""


def _plus(offset: int) -> Callable[[Any], Any]:
    return lambda value: value + offset if isinstance(value, int) else value


def _by_name(kwargs: Mapping[str, Any], offset: int) -> dict[str, Any]:
    return {name: _plus(offset)(value) if name in SEED_NAMES else value for name, value in kwargs.items()}


def _prepare(mirror: Mirror, arguments: Iterable[str]) -> None:
    """The process as the script would find it: its arguments, its folder, its modules; and its writes watched."""
    sys.argv = [str(mirror.script), *arguments]
    sys.path[:] = [str(mirror.script.parent), *_module_places(mirror)]
    os.chdir(mirror.folder)
    set_root(str(mirror.script.parent if not mirror.script.is_relative_to(mirror.folder) else mirror.folder))
    heed_environment()
    mirrors = Path(os.path.realpath(mirror.root))
    log = mirror.made or mirrors / LOG
    # What lies beside the mirror is unslow's own scratch.
    will_write = keep_whole(mirrors, Made(log), (mirrors.parent, log))

    # These write past Python (safetensors does before 0.8), so that nobody is told of it.
    when_imported("torch.serialization", lambda module: _telling(module, "save", "f", will_write))
    when_imported("torch", lambda module: setattr(module, "save", module.serialization.save))
    when_imported("torch.jit", lambda module: _telling(module, "save", "f", will_write))
    for kind in ("ScriptModule", "RecursiveScriptModule"):
        when_imported("torch.jit", lambda module, kind=kind: _telling(getattr(module, kind), "save", "f", will_write))
    when_imported("torch.export", lambda module: _telling(module, "save", "f", will_write))
    when_imported("safetensors", lambda module: _telling(module, "serialize_file", "filename", will_write))
    when_imported("cv2", lambda module: _telling(module, "imwrite", "filename", will_write, at=0))
    when_imported("h5py", lambda module: _telling(module.File, "__init__", "name", will_write, mode=2))


def _module_places(mirror: Mirror) -> list[str]:
    """Where modules are searched for besides the script's folder: places of the user's in the mirror, as their sources
    are, and without the working folder, which Python adds for `-m` alone."""
    asked = [os.path.abspath(place) for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if place]
    found: list[str] = []
    for place in sys.path:
        path = Path(os.path.abspath(place))
        if path == mirror.original and str(path) not in asked:
            continue
        own = path.is_relative_to(mirror.original) or path.is_relative_to(mirror.original_of(mirror.script.parent))
        found.append(str(mirror.place_of(path)) if own and not _is_a_library(path) else place)
    return found


def own_modules(mirror: Mirror) -> list[Path]:
    """The files of the modules that are imported now and lie among the script's own, as the user has them."""
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    own = {Path(os.path.abspath(file)) for file in files if isinstance(file, str)}
    found = [mirror.original_of(path) for path in own if path.is_relative_to(mirror.root) and path.suffix == ".py"]
    return sorted(path for path in found if not _is_a_library(path) and path.is_file())


def _is_a_library(path: Path) -> bool:
    """Whether it is a folder of installed packages, of Python itself, or our own."""
    known = (sys.prefix, sys.base_prefix, Path(__file__).parents[2])
    return not {"site-packages", "dist-packages"}.isdisjoint(path.parts) or any(map(path.is_relative_to, known))


def _telling(
    module: Any, name: str, argument: str, will_write: Callable[[str], None], at: int = 1, mode: int = 0
) -> None:
    """Before the function `name` of `module` writes the file that is its argument number `at`, called `argument`.

    Where `mode` is the number of an argument of that name, only if that is not to read.
    """
    save = getattr(module, name)

    @functools.wraps(save)
    def told(*args: Any, **kwargs: Any) -> Any:
        place = args[at] if len(args) > at else kwargs.get(argument)
        how = args[mode] if len(args) > mode else kwargs.get("mode", "r")
        if isinstance(place, (str, os.PathLike)) and not (mode and how == "r"):
            will_write(os.fspath(place))  # pyright: ignore[reportUnknownArgumentType]
        return save(*args, **kwargs)

    setattr(module, name, told)


def _main_module(script: Path) -> ModuleType:
    module = ModuleType("__main__")
    module.__file__ = str(script)
    module.__loader__ = importlib.machinery.SourceFileLoader("__main__", str(script))
    module.__dict__["__builtins__"] = __builtins__
    sys.modules["__main__"] = module
    return module


def _source(mirror: Mirror) -> bytes:
    try:
        return mirror.script.read_bytes()
    except OSError as error:
        raise BadInput(f"{mirror.script.name} cannot be read: {error.strerror}.", "Name a Python file.") from error


def _place(error: BaseException, mirror: Mirror) -> str:
    """The innermost line of the user's own that the error passed."""
    place, trace = mirror.script.name, error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if name.startswith(str(mirror.folder)) or name == str(mirror.script):
            place = f"{os.path.relpath(name, mirror.folder)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _exit_words(code: Any) -> str:
    return f"exit code {code}" if isinstance(code, int) else f"the words {str(code).splitlines()[0]!r}"


def _alone(mirror: Mirror) -> str:
    return f"Make `python {mirror.script.name}` run by itself first, with the same arguments."
