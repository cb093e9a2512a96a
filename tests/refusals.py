"""Dubious constructions and hostile states, as code, and why what is accepted of them is.

``tests/test_refusals.py`` runs them, ``docs/make_refusals.py`` writes what comes of them into ``docs/refusals.md``.
"""

import copy
import json
import math
import re
import warnings
from typing import Any

import torch
from cases import SCHEDULERS, factor, sgd, step
from fuzz.targets import Bomb, deep, itself, picture, whole

import lucid
from lucid import schedules
from lucid.optim import lr_scheduler
from lucid.schedules import Schedule

Row = tuple[str, str]
"""Code, and why it is accepted; "" where it is refused."""

CONSTRUCTIONS: dict[str, list[Row]] = {
    "Schedules": [
        ("Cosine(0)", ""),
        ("Cosine(-5)", ""),
        ("Cosine(math.nan)", ""),
        ("Cosine(math.inf)", ""),
        ("Cosine('900')", ""),
        ("Cosine(True)", ""),
        ("Cosine([900])", ""),
        ("Cosine(10**400)", ""),
        ("Cosine(1.5e300)", ""),
        ("Cosine(9, end=-0.1)", ""),
        ("Cosine(9, hold=1)", ""),
        ("Cosine(torch.tensor(9.0))", "a number of any library is a Python number inside"),
        ("Cosine(0.5)", "the unit of time is yours, and may be epochs"),
        ("Cosine(9, end=3.0)", "a rate may go up: `end` is above the base where that is below 3"),
        ("Linear(4, start=0.0, end=0.0)", "a rate of 0 throughout freezes a group, which is wanted at times"),
        ("Exponential(0)", ""),
        ("Exponential(1.1)", "a rate that grows, as in range tests; growth stops at 2**126"),
        ("Step(30, gamma=0)", ""),
        ("MultiStep((30, 10))", ""),
        ("MultiStep((10, 10))", "one that is named twice counts twice"),
        ("MultiStep(())", ""),
        ("Piecewise((0, 4), (1.0,))", ""),
        ("Piecewise((4, 4), (1.0, 2.0))", ""),
        ("Warmup(4, shape='square')", ""),
        ("WSD(4, decay_steps=9)", ""),
        ("RsqrtCooldown(9, 3)", ""),
        ("CosineRestarts(4, growth=0.5)", ""),
        ("CosineRestarts((4, 2), times=3)", ""),
        ("CosineRestarts(4, 10**6, growth=0.999)", ""),
        ("CosineRestarts(4, 9999, growth=2, warmup_steps=1)", ""),
        ("CosineRestarts(4, 9999, decay=10**300)", ""),
        ("Chebyshev(4, small=1.0, big=1.0)", ""),
        ("Chebyshev(2.0**54)", ""),
        ("Noise(Cosine(9), size=1.0)", ""),
        ("Noise(Cosine(9), seed=1.5)", ""),
        ("Lambda(3)", ""),
        ("Lambda(lambda t: math.nan)(0)", ""),
        ("Lambda(lambda t: -1.0)", "a factor may be negative; whether the rate may be is the optimizer's to say"),
        ("Cosine(9)('later')", ""),
    ],
    "Compositions": [
        ("Step(30) >> Cosine(9)", ""),
        ("Step(30)[:60] >> Cosine(9)", "`[:60]` gives the endless one an end"),
        ("Cosine(9) >> 3", ""),
        ("Join(())", ""),
        ("Join((Cosine, Cosine(9)))", ""),
        ("-1 * Cosine(9)", ""),
        ("Cosine(9) * True", ""),
        ("Cosine(9) + -0.1", ""),
        ("Cosine(9)[3:6]", ""),
        ("Cosine(9)[:-1]", ""),
        ("Cosine(9)[:100]", "beyond its end a schedule holds its last value"),
        ("Step(30).repeat()", ""),
        ("Cosine(9)[:0].repeat()", ""),
        ("Cosine(9).repeat(0)", ""),
        ("Cosine(9).repeat(decay=0)", ""),
        ("Cosine(9).stretch(0)", ""),
        ("Cosine(9).shift(-100)", "it is over from the start, and holds its end"),
        ("Cosine(9).clip(0.5, 0.1)", ""),
        ("Cosine(9).clip(0.5)", "but where it is clipped the base has no say, as its documentation tells"),
        ("Cosine(9).warmup(-1)", ""),
        ("Cosine(9).warmup(0)", "a warm-up of nothing is none"),
        ("Cosine(9).k_decay(0)", ""),
        ("Step(30).k_decay(2)", ""),
        ("Cosine(9).continue_from(Step(30))", ""),
        ("Linear(9, 0.0).continue_from(Cosine(9))", ""),
        ("Cosine(9).clip(0.1).continue_from(Linear(9))", ""),
    ],
    "Expressions and names": [
        ("lucid.parse('cosin(9)')", ""),
        ("lucid.parse('cosine(9')", ""),
        ("lucid.parse('cosine(9) - 0.1')", ""),
        ("lucid.parse('cosine(9).to_json()')", ""),
        ("lucid.parse('cosine.__class__')", ""),
        ("lucid.parse(\"__import__('os')\")", ""),
        ("lucid.parse('lambda(lambda t: t)')", ""),
        ("lucid.parse('cosine(9)' + '.shift(1)' * 200)", ""),
        ("lucid.parse('cosine(9)' + '.warmup(1).shift(1)' * 40)", ""),
        ("lucid.parse('+'.join(['CosineRestarts(1, 9999, 0.9999)'] * 99))", ""),
        ("lucid.parse('(' * 300)", ""),
        ("lucid.parse('1' * 200_000)", ""),
        ("lucid.parse('cosine(\\ud800)')", ""),
        ("lucid.parse('COSINE( 9 )')", "case and blanks make no difference"),
        ("lucid.get('cosine', stepz=9)", ""),
        ("lucid.get('cosine', 9, steps=9)", ""),
        ("lucid.get('inverse_sqrt', 9, power=1)", ""),
    ],
    "JSON": [
        ("Schedule.from_json('')", ""),
        ("Schedule.from_json('[]')", ""),
        ("Schedule.from_json('{\"schedule\": \"Cosine\", \"steps\": NaN}')", ""),
        ("Schedule.from_json('{\"schedule\": \"Cosine\", \"steps\": 1e999}')", ""),
        ("Schedule.from_json('{\"schedule\": \"Cosine\", \"steps\": 9, \"steps\": 8}')", ""),
        ("Schedule.from_json('{\"schedule\": \"Cosine\", \"_made\": 9}')", ""),
        ("Schedule.from_json('{\"schedule\": \"_Composed\"}')", ""),
        ("Schedule.from_json('[' * 100_000)", ""),
        ("Schedule.from_json(' ' * 1_000_001)", ""),
        ("Schedule.from_dict({'schedule': 'Join', 'parts': itself()})", ""),
        ("Schedule.from_dict({'schedule': 'Join', 'parts': deep(100)})", ""),
        ("Schedule.from_dict({'schedule': 'Cosine', 'steps': 9, 3: 4})", ""),
        ("Lambda(abs).to_json()", ""),
    ],
    "Schedulers": [
        ("StepLR(optimizer, step_size=0)", ""),
        ("StepLR(optimizer, step_size=30, gamma=-0.1)", ""),
        ("StepLR(None, 30)", ""),
        ("StepLR(optimizer, 30, last_epoch=-2)", ""),
        ("StepLR(optimizer, 30, last_epoch=5)", ""),
        ("StepLR(optimizer, 30).step(-1)", ""),
        ("StepLR(optimizer, 30).step(math.nan)", ""),
        ("StepLR(optimizer, 30).step(2.5)", "the time may be any number"),
        ("MultiStepLR(optimizer, [20, 5])", "sorted, as with PyTorch"),
        ("CosineAnnealingWarmRestarts(optimizer, T_0=2.5)", ""),
        ("OneCycleLR(optimizer, 0.1)", ""),
        ("OneCycleLR(optimizer, [0.1], total_steps=9)", ""),
        ("CyclicLR(optimizer, 0.1, 0.2, mode='square')", ""),
        ("CyclicLR(optimizer, 0.2, 0.1)", "down first and then up: the levels are yours"),
        ("LambdaLR(optimizer, 0.5)", ""),
        ("LambdaLR(optimizer, [factor])", ""),
        ("ReduceLROnPlateau(optimizer, factor=1.5)", ""),
        ("ReduceLROnPlateau(optimizer, patience=-1)", ""),
        ("ReduceLROnPlateau(optimizer).step('good')", ""),
        ("LRScheduler(optimizer)", ""),
        ("LRScheduler(optimizer, Cosine(9))", ""),
        ("LRScheduler(optimizer, lr=lambda t: 0.5)", ""),
        ("LRScheduler(optimizer, lr=[Cosine(9)])", ""),
        ("LRScheduler(optimizer, beta=Cosine(9))", ""),
        ("SequentialLR(optimizer, [], [])", ""),
        ("SequentialLR(optimizer, [StepLR(optimizer, 3), StepLR(optimizer, 3)], [])", ""),
        ("SequentialLR(optimizer, [StepLR(optimizer, 3), StepLR(sgd(), 3)], [4])", ""),
        ("ChainedScheduler([StepLR(optimizer, 3)] * 2)", ""),
        ("ChainedScheduler([StepLR(optimizer, 3), 7])", ""),
    ],
}  # fmt: skip

STATES: dict[str, list[Row]] = {
    "StepLR": [
        ("None", ""),
        ("[]", ""),
        ("{}", ""),
        ("{**state, '_class': 'CosineAnnealingLR'}", ""),
        ("{**state, '_group_count': 3}", ""),
        ("{**state, '_group_count': True}", ""),
        ("{**state, 'last_epoch': '3'}", ""),
        ("{**state, 'last_epoch': True}", ""),
        ("{**state, 'last_epoch': math.nan}", ""),
        ("{**state, 'last_epoch': 10**400}", ""),
        ("{**state, 'last_epoch': -5}", ""),
        ("{**state, 'last_epoch': 2.5}", "the time may be any number"),
        ("{**state, 'last_epoch': torch.tensor(4)}", "a tensor without axes is a number"),
        ("{**state, '_step_count': 0}", ""),
        ("{**state, '_step_count': 1e300}", ""),
        ("{**state, 'gamma': 0}", ""),
        ("{**state, 'gamma': math.inf}", ""),
        ("{**state, 'gamma': torch.ones(2)}", ""),
        ("{**state, 'gamma': deep(20_000)}", ""),
        ("{**state, 'gamma': itself()}", ""),
        ("{**state, 'gamma': 0.9}", "it replaces this scheduler's, with a warning"),
        ("{**state, 'step_size': None}", ""),
        ("{**state, 'base_lrs': [0.1]}", ""),
        ("{**state, 'base_lrs': [0.1, -0.2]}", ""),
        ("{**state, 'base_lrs': [0.1, True]}", ""),
        ("{**state, 'base_lrs': 'ab'}", ""),
        ("{**state, '_last_lr': [1e300, 0.1]}", ""),
        ("{**state, '_last_lr': [math.nan, 0.1]}", ""),
        ("{**state, '_tracks': {}}", ""),
        ("{**state, '_tracks': {**state['_tracks'], 'weight_decay': {}}}", ""),
        ("{**state, '_tracks': {'lr': {**state['_tracks']['lr'], 'bases': None}}}", ""),
        ("{**state, '_tracks': {'lr': {**state['_tracks']['lr'], 'hidden': [[9, 1.0, True]]}}}", ""),
        ("{**state, '_tracks': {'lr': {**state['_tracks']['lr'], 'hidden': [[0, 1.0, 1]]}}}", ""),
        ("{**state, '_changes': 'no'}", ""),
        ("{**state, '_changes': json.dumps([{'at': 1, 'key': 'lr', 'total_steps': 0}])}", ""),
        ("{**state, 'optimizer': Bomb(), '__class__': 'x', 'step': None}", "names that it does not know are not looked at"),
    ],
    "MultiStepLR": [
        ("{**state, 'milestones': [3, -1]}", ""),
        ("{**state, 'milestones': '35'}", ""),
        ("{'last_epoch': 1, '_last_lr': [0.1, 0.2], 'gamma': 0.3, 'milestones': {3: 10**7}}", ""),
    ],
    "CosineAnnealingWarmRestarts": [
        ("{**state, 'T_cur': 1e308}", ""),
        ("{**state, 'T_0': 0}", ""),
    ],
    "CyclicLR": [
        ("{**state, 'mode': '__class__'}", ""),
        ("{**state, 'max_lr': [0.2, 0.2, 0.2]}", ""),
        ("{**state, 'base_lr': torch.tensor(1j)}", ""),
    ],
    "LambdaLR": [
        ("{**state, 'lr_lambdas': [{'__code__': 'x'}, {'__code__': 'x'}]}", ""),
        ("{**state, 'lr_lambdas': ['os.system', None]}", ""),
    ],
    "LambdaLR, object": [
        ("{**state, 'lr_lambdas': [{'every': 3}, {'every': 3}]}", "a callable object's attributes are saved, as with PyTorch"),
        ("{**state, 'lr_lambdas': [{'every': Bomb()}, None]}", ""),
    ],
    "MultiplicativeLR": [("{**state, 'last_epoch': 2**53}", "")],
    "OneCycleLR": [("{**state, 'total_steps': 0}", ""), ("{**state, 'pct_start': 7}", "")],
    "SequentialLR": [
        ("{**state, '_schedulers': []}", ""),
        ("{**state, '_schedulers': [None] * 3}", ""),
        ("{**state, '_schedulers': [state] * 3}", ""),
        ("{**state, 'milestones': [29, 9]}", ""),
    ],
    "ChainedScheduler": [("{**state, '_starts': [0, None]}", "")],
    "ReduceLROnPlateau": [
        ("{**state, 'best': 'low'}", ""),
        ("{**state, 'num_bad_epochs': -1}", ""),
        ("{**state, 'mode': 'mean'}", ""),
    ],
    "LRScheduler": [
        ("{**state, 'lr': {'schedule': 'Cosine', 'steps': 0}}", ""),
        ("{**state, 'lr': 'Cosine(9)'}", ""),
        ("{**state, 'lr': [{'schedule': 'Constant'}] * 2}", ""),
        ("{**state, 'lr': {'schedule': 'Cosine', 'steps': 50}}", "it replaces this scheduler's, with a warning"),
    ],
}  # fmt: skip


def constructed(code: str) -> str:
    """What comes of a construction: the exception, or "accepted"."""
    names = {
        **vars(schedules),
        **vars(lr_scheduler),
        "math": math,
        "torch": torch,
        "lucid": lucid,
        "sgd": sgd,
        "factor": factor,
    }
    optimizer = sgd(0.1, 0.2)
    before = picture(optimizer.param_groups)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            eval(code, {**names, "Schedule": Schedule, "deep": deep, "itself": itself, "optimizer": optimizer})
        except Exception as error:
            composed = code.startswith(("SequentialLR", "ChainedScheduler")) or ".step(" in code  # others were built before
            untouched = composed or picture(optimizer.param_groups) == before
            return told(error) if untouched else f"changed the optimizer: {told(error)}"
    return "accepted"


def loaded(name: str, code: str) -> str:
    """What comes of loading a state."""
    scheduler = SCHEDULERS[name](sgd(0.1, 0.2))
    step(scheduler, 1.0)
    state = copy.deepcopy(scheduler.state_dict())
    names = {"state": state, "math": math, "json": json, "torch": torch, "deep": deep, "itself": itself, "Bomb": Bomb}
    given = eval(code, names)
    before = whole(scheduler)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            scheduler.load_state_dict(given)
        except Exception as error:
            return told(error) if whole(scheduler) == before else f"changed the scheduler: {told(error)}"
    for _ in range(5):
        step(scheduler, 1.0)
    json.dumps(scheduler.state_dict(), allow_nan=False)
    return "accepted"


def told(error: Exception) -> str:
    text = re.sub(
        r" at 0x[0-9a-f]+", "", " ".join(str(error.args[0] if isinstance(error, KeyError) and error.args else error).split())
    )
    text = text if len(text) <= 200 else f"{text[:120]} ... {text[-60:]}"
    return f"{type(error).__name__}: {text}"


def rows() -> list[tuple[str, str, str, str, Any]]:
    """Kind, heading, code, why accepted, and how to find out what comes of it."""
    made: list[tuple[str, str, str, str, Any]] = []
    for heading, some in CONSTRUCTIONS.items():
        made += [("construction", heading, code, why, lambda code=code: constructed(code)) for code, why in some]
    for name, some in STATES.items():
        made += [("state", name, code, why, lambda name=name, code=code: loaded(name, code)) for code, why in some]
    return made
