"""Every habit and fix has a page, and every link leads to one."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

import pytest

from docs.catalogue import pages, write
from unslow.cli.explain import everything
from unslow.core.discover import HEADINGS

PAGES = pages()


def links(text: str) -> list[str]:
    return re.findall(r"\]\(([^)]+\.md)\)", text)


def leads_to(path: str, link: str) -> str:
    parts: list[str] = []
    for part in (PurePosixPath(path).parent / link).parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


@pytest.mark.parametrize("path", PAGES)
def test_every_link_leads_to_a_page(path: str) -> None:
    assert links(PAGES[path])
    assert [link for link in links(PAGES[path]) if leads_to(path, link) not in PAGES] == []


def test_the_index_leads_to_every_page() -> None:
    assert sorted(links(PAGES["README.md"])) == sorted(set(PAGES) - {"README.md"})


def test_every_page_says_what_its_docstring_says() -> None:
    for path, text in PAGES.items():
        assert path == "README.md" or [heading for heading in HEADINGS if f"\n## {heading}\n" not in text] == []


def test_habits_and_fixes_name_each_other() -> None:
    _, fixes = everything()
    for fix in fixes.values():
        for habit in fix.treats:
            there = PAGES.get(f"habits/{habit}.md")
            assert there is None or f"../fixes/{fix.name}.md" in there


def test_what_is_no_longer_there_loses_its_page(tmp_path: Path) -> None:
    (tmp_path / "catalogue" / "habits").mkdir(parents=True)
    stale = tmp_path / "catalogue" / "habits" / "gone.md"
    stale.write_text("")
    assert write(tmp_path / "catalogue") == len(PAGES) and not stale.exists()
