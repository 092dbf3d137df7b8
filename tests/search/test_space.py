from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from fake_bench import ORIGINAL
from handmade import facts
from made import finding, heats, known, made_fix, ran, variant
from unslow.core.heat import Heat
from unslow.core.script import ScriptFacts
from unslow.core.variant import Applied, Setting
from unslow.fixes import all_fixes
from unslow.search.space import (
    COMBINED_CEILING,
    UNBOUNDED_CEILING,
    Candidate,
    Known,
    Refusal,
    candidates,
    ceiling_of,
    grown,
    key,
    refusals,
    riskiest,
)

TWO = ({"threads": 1}, {"threads": 2})


def tried(what: Known, *so_far: Heat, speedups: Mapping[str, float] | None = None) -> dict[str, Candidate]:
    found = candidates(what, heats(*so_far), speedups or {})
    assert len({key(candidate.variant) for candidate in found}) == len(found), "a candidate twice"
    return {str(candidate.variant): candidate for candidate in found}


def test_no_finding_no_candidate() -> None:
    assert tried(known(made_fix("a"), findings=[])) == {}
    assert tried(known(made_fix("a", habit="another"))) == {}


def test_a_ceiling_below_what_is_worth_it_is_not_tried() -> None:
    assert tried(known(made_fix("a"), findings=[finding(share=0.02)])) == {}
    assert set(tried(known(made_fix("a"), findings=[finding(share=0.02)], worth=1.01))) == {"a"}


def test_what_was_little_of_the_original_may_be_much_of_a_script_that_is_many_times_as_fast() -> None:
    fixes = (made_fix("a"), made_fix("b", habit="small"))
    what = known(*fixes, findings=[finding(share=0.9), finding("small", share=0.02)])
    fast = ran(variant("a"))
    assert set(tried(what, fast, speedups={fast.id: 9.0})) == set()
    script = replace(what, facts=replace(what.facts, script=ScriptFacts("optimizer", 20)))
    both = tried(script, fast, speedups={fast.id: 9.0})["a + b"]
    assert both.potential == pytest.approx(9 / (1 - 0.18))
    assert "a + b" not in tried(script, fast, speedups={fast.id: 1.1})


def test_what_was_found_at_a_place_that_is_mended_is_mostly_gone() -> None:
    decoding, waiting = (
        replace(finding(share=0.9, floor=0.01), site="a.py:1"),
        replace(finding("b", 0.9), site="a.py:1"),
    )
    elsewhere = replace(finding("c", 0.05), site="a.py:2")
    mended, waited, other = grown([decoding, waiting, elsewhere], 9.0, [decoding])
    assert mended.share == waited.share == pytest.approx(0.9 * 0.01 * 9) and other.share == pytest.approx(0.45)


@pytest.mark.parametrize(
    "fix",
    [
        made_fix("a", runtimes=frozenset({"onnxruntime"})),
        made_fix("a", objectives=frozenset({"throughput"})),
        made_fix("a", libraries=("nothing_like_it.inside",), extra="torch"),
        made_fix("a", refuses=lambda setting: "it cannot help"),
        made_fix("a", space=()),
    ],
)
def test_what_cannot_be_applied_here_is_not_tried(fix: object) -> None:
    assert tried(known(fix)) == {}  # type: ignore[arg-type]


def test_first_steps_that_are_not_steady_yet_cost_their_time() -> None:
    slow = replace(facts(), seconds_per_request=0.5)
    fixes = [made_fix("cache", warm_steps=lambda parameters: 20), made_fix("workers")]
    what = replace(known(*fixes), facts=slow)
    alone = tried(what)
    assert (alone["cache"].build_seconds, alone["workers"].build_seconds) == (11.0, 1.0)
    on_top = tried(what, ran(variant("workers")), speedups={variant("workers").id: 10.0})
    assert on_top["workers + cache"].build_seconds == 2.0


def test_fixes_that_belong_together_are_tried_so_too_and_first() -> None:
    workers = made_fix("workers", beside=lambda setting, parameters: ("threads", "unheard-of"))
    found = tried(known(workers, made_fix("threads", habit="another")))
    assert set(found) == {"workers", "workers + threads"}
    assert found["workers + threads"].parent == "original" and found["workers + threads"].odds == 0.75
    assert found["workers + threads"].potential == found["workers"].potential


@pytest.mark.parametrize("fields", [{"slot": "workers"}, {"refuses": lambda setting: "it cannot"}, {"space": ()}])
def test_but_not_where_the_other_cannot_be_applied(fields: dict[str, Any]) -> None:
    workers = made_fix("workers", beside=lambda setting, parameters: ("threads",))
    other = made_fix("threads", **{"habit": "another", **fields})
    assert set(tried(known(workers, other))) == {"workers"}
    assert set(tried(known(workers, made_fix("threads"), skip=("threads",)))) == {"workers"}


def at_one_call() -> Known:
    """Workers and a cache for the same loader; an optimizer elsewhere."""
    fixes = [made_fix("workers", habit="waits"), made_fix("cache", habit="repeats"), made_fix("fused", habit="many")]
    places = {"waits": "train.py:9", "repeats": "train.py:9", "many": "train.py:20"}
    found = [replace(finding(habit), site=site) for habit, site in places.items()]
    return known(*fixes, findings=found)


def test_a_fix_for_another_call_is_not_taken_away() -> None:
    both = ran(variant("workers", "fused"))
    alone = tried(at_one_call(), both, speedups={both.id: 20.0})["fused"]
    assert alone.potential == 2.0  # its own ceiling


def test_nor_one_of_a_model_whose_findings_have_no_place() -> None:
    both = ran(variant("a", "b"))
    assert tried(known(made_fix("a"), made_fix("b")), both, speedups={both.id: 20.0})["b"].potential == 2.0


def test_what_a_later_fix_for_the_same_call_may_have_made_needless_is_taken_away() -> None:
    both = ran(variant("workers", "cache"))
    alone = tried(at_one_call(), both, speedups={both.id: 20.0})["cache"]
    assert alone.parent == "original" and alone.potential == pytest.approx(26.0) and alone.odds == 0.5
    three = ran(variant("fused", "workers", "cache"))
    fused = ran(variant("fused"))
    found = tried(at_one_call(), fused, three, speedups={three.id: 20.0, fused.id: 1.1})
    assert found["fused + cache"].potential == pytest.approx(26.0)


def test_only_and_skip() -> None:
    fixes = [made_fix(name) for name in ("a", "b", "c")]
    assert set(tried(known(*fixes, only=("a", "b")))) == {"a", "b"}
    assert set(tried(known(*fixes, skip=("a",)))) == {"b", "c"}
    assert set(tried(known(*fixes, only=("a", "b"), skip=("a",)))) == {"b"}


def test_the_objective_opens_other_fixes() -> None:
    fix = made_fix("a", objectives=frozenset({"throughput"}))
    assert set(tried(known(fix, objective="throughput"))) == {"a"}


def test_what_was_tried_is_not_tried_again_in_any_order() -> None:
    what = known(made_fix("a"), made_fix("b"))
    both = ran(variant("a", "b"))
    assert tried(what, ran(variant("a")), ran(variant("b")), both) == {}
    assert set(tried(what, ran(variant("a")), ran(variant("b")))) in ({"a + b"}, {"b + a"})


def test_fixes_of_one_slot_exclude_each_other() -> None:
    what = known(made_fix("a", "runtime"), made_fix("b", "runtime"), made_fix("c"))
    assert set(tried(what, ran(variant("a")))) == {"b", "c", "a + c"}


@pytest.mark.parametrize(
    "trouble", [{"failure": "It crashed."}, {"lost": "It answers NaN."}, {"nothing_changed": True}]
)
def test_nothing_is_put_on_top_of_what_went_wrong(trouble: dict[str, object]) -> None:
    what = known(made_fix("a"), made_fix("b"))
    assert set(tried(what, ran(variant("a"), **trouble))) == {"b"}


def test_the_same_fix_is_set_otherwise_once_it_has_been_tried() -> None:
    what = known(made_fix("threads", space=TWO))
    assert set(tried(what)) == {"threads(threads=1)"}
    assert set(tried(what, ran(variant(Applied("threads", TWO[0]))))) == {"threads(threads=2)"}


def test_a_setting_that_could_not_even_be_built_has_siblings_too() -> None:
    failed = Heat(variant(Applied("threads", TWO[0])), failure="The exporter raised.")
    assert set(tried(known(made_fix("threads", space=TWO)), failed)) == {"threads(threads=2)"}


def test_a_fix_that_is_skipped_now_has_no_siblings() -> None:
    what = known(made_fix("threads", space=TWO), skip=("threads",))
    assert tried(what, ran(variant(Applied("threads", TWO[0])))) == {}


def test_siblings_stand_on_the_same_parent() -> None:
    what = known(made_fix("a"), made_fix("threads", space=TWO))
    on_top = ran(variant("a", Applied("threads", TWO[0])))
    found = tried(what, ran(variant("a")), ran(variant(Applied("threads", TWO[0]))), on_top)
    assert found["a + threads(threads=2)"].parent == variant("a").id


def test_a_fix_on_top_is_asked_about_what_is_below_it() -> None:
    def refuses(setting: Setting) -> str:
        return "it is fixed already" if setting.workload != ORIGINAL else ""

    what = known(made_fix("a"), made_fix("b", refuses=refuses))
    assert set(tried(what, ran(variant("a")), ran(variant("b")))) == {"b + a"}


def test_a_runtime_that_a_fix_leads_to_opens_other_fixes() -> None:
    converted = ran(variant("a"))
    assert converted.workload is not None
    converted = replace(converted, workload=replace(converted.workload, model=replace(ORIGINAL.model, runtime="other")))
    what = known(made_fix("a"), made_fix("b", runtimes=frozenset({"other"})), made_fix("c"))
    assert set(tried(what, converted)) == {"c", "a + b"}


def test_a_conversion_is_not_put_on_top_of_what_it_would_leave_behind() -> None:
    mode, threads = made_fix("mode", left_behind=True), made_fix("threads")
    convert = made_fix("convert", gives="onnxruntime")
    below = [ran(variant("mode")), ran(variant("threads"))]
    found = set(tried(known(mode, threads, convert), *below))
    assert "mode + convert" not in found and {"convert", "threads + convert", "mode + threads"} <= found


def test_promises_multiply_with_what_is_below_but_only_so_far() -> None:
    what = known(made_fix("a"), made_fix("b"), findings=[finding(share=0.9)])
    found = tried(what, ran(variant("a")), speedups={variant("a").id: 2.0})
    assert found["b"].potential == pytest.approx(10)
    assert found["a + b"].potential == pytest.approx(2 * COMBINED_CEILING)


def test_the_more_promising_order_of_two_fixes_is_the_one_that_is_tried() -> None:
    what = known(made_fix("a"), made_fix("b"))
    speedups = {variant("a").id: 1.2, variant("b").id: 2.0}
    assert set(tried(what, ran(variant("a")), ran(variant("b")), speedups=speedups)) == {"b + a"}


def test_the_ceiling_of_a_fix_is_the_best_of_what_it_treats() -> None:
    findings = [finding(share=0.5), finding(share=0.2), finding("other", share=0.9)]
    assert ceiling_of(made_fix("a"), findings) == pytest.approx(2)
    assert ceiling_of(made_fix("a"), [finding(share=0.9, floor=None)]) == UNBOUNDED_CEILING
    assert ceiling_of(made_fix("a"), [finding(share=0.5, floor=None)]) == pytest.approx(2)  # at most its whole share
    assert ceiling_of(made_fix("a"), [finding(share=1.0)]) == math.inf
    assert ceiling_of(made_fix("a", habit="none"), findings) == 1


def test_refusals_have_their_reasons() -> None:
    what = known(
        made_fix("missing", libraries=("nothing_like_it",), extra="onnx"),
        made_fix("refused", refuses=lambda setting: "there is one core"),
        made_fix("elsewhere", runtimes=frozenset({"onnxruntime"}), refuses=lambda setting: "never asked"),
        made_fix("untold", habit="another", libraries=("nothing_like_it",)),
        made_fix("fine"),
    )
    reasons = {refusal.fix: refusal.reason for refusal in refusals(what)}
    assert set(reasons) == {"missing", "refused", "elsewhere"}
    assert reasons["elsewhere"] == "it cannot be applied to a model on torch-module"
    assert reasons["missing"] == "nothing_like_it is not installed: pip install 'unslow[onnx]'"


def test_a_fix_that_is_asked_for_by_name_is_refused_with_its_reason_too() -> None:
    cannot = made_fix("a", habit="another", refuses=lambda setting: "it cannot help")
    assert not refusals(known(cannot))
    assert refusals(known(cannot, allow=("a",))) == [Refusal("a", "it cannot help")]
    (refusal,) = refusals(known(made_fix("a", habit="another"), only=("a",)))
    assert "--allow a" in refusal.reason
    assert not refusals(known(made_fix("a", habit="another"), only=("a",), allow=("a",)))


def test_what_a_chain_of_fixes_may_reach_is_not_refused() -> None:
    onnx, openvino = frozenset({"onnxruntime"}), frozenset({"openvino"})
    what = known(
        made_fix("converts", gives="onnxruntime"),
        made_fix("converts-on", runtimes=onnx, gives="openvino"),
        made_fix("quantises", runtimes=openvino),
    )
    assert refusals(what) == []


def test_a_fix_for_another_objective_says_so() -> None:
    fixes = [made_fix("batches", objectives=frozenset({"throughput", "cost"}))]
    assert [refusal.reason for refusal in refusals(known(*fixes))] == [
        "it can help only with --objective cost or throughput, not latency"
    ]
    assert refusals(known(*fixes, objective="cost")) == []


def test_the_tag_is_the_riskiest_fix_s() -> None:
    fixes = {"a": made_fix("a"), "b": made_fix("b", tag="numeric"), "c": made_fix("c", tag="lossy")}
    assert [riskiest(fixes, variant(*names)) for names in ((), ("a",), ("a", "b"), ("c", "b"))] == [
        "exact", "exact", "numeric", "lossy"
    ]  # fmt: skip


def test_every_fix_of_the_product_can_be_asked() -> None:
    habits = {habit for fix in all_fixes().values() for habit in fix.treats}
    what = known(*all_fixes().values(), findings=[finding(habit) for habit in habits], objective="throughput")
    found = tried(what)
    assert found
    assert all(
        candidate.potential >= 1 and candidate.build_seconds > 0 and 0 < candidate.odds <= 1
        for candidate in found.values()
    )
