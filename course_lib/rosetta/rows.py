"""The table itself: each schedule in six libraries, with the translation of the arguments as code.

How to read `ROSETTA`
- A string is an expression over the names of our parameters and of the peer's. None: they have
  none. `... if condition else None`: they have it only there.
- `optimizer` is built with the rate that `own_lr` answers, which is `lr` or `peak_lr`.
- `floor` is final_lr / peak_lr. `start` is where a warmup begins, as a share of the peak.
- fastai's functions take a position, t / total_steps where the note does not say another one.
- `plain(then)`: torch's scheduler of `then` multiplies the optimizer's rate, and sets none.
"""

from dataclasses import dataclass, replace

from course_lib.schedules import GALLERY

PEERS = ("torch", "keras", "optax", "timm", "transformers", "fastai")


@dataclass(frozen=True)
class Row:
    """One schedule in six libraries; None where they have none."""

    torch: str | None = None
    keras: str | None = None
    optax: str | None = None
    timm: str | None = None
    transformers: str | None = None
    fastai: str | None = None
    note: str = ""


_EXPONENTIAL = (
    "ExponentialDecay(lr, decay_steps=every, decay_rate={0}, staircase=staircase)",
    "exponential_decay(lr, transition_steps=every, decay_rate={0}, staircase=staircase)",
)
_POLYNOMIAL = Row(
    torch="PolynomialLR(optimizer, total_iters=total_steps, power=power)"
    " if not final_lr and not cycle else None",
    keras="PolynomialDecay(peak_lr, total_steps, end_learning_rate=final_lr, power=power,"
    " cycle=cycle)",
    optax="polynomial_schedule(peak_lr, final_lr, power, total_steps) if not cycle else None",
    timm="PolyLRScheduler(optimizer, t_initial=total_steps, power=power, lr_min=final_lr,"
    " t_in_epochs=False) if not cycle else None",
    transformers="get_polynomial_decay_schedule_with_warmup(optimizer, 0, total_steps,"
    " lr_end=final_lr, power=power) if not cycle and final_lr < peak_lr else None",
    note="Defaults differ: Keras ends at 1e-4 and transformers at 1e-7; timm's power is 0.5. "
    "fastai's SchedPoly is another curve: the power of what is done, not of what remains.",
)
_INVERSE_TIME = Row(
    keras="InverseTimeDecay(lr, decay_steps=every, decay_rate=factor, staircase=staircase)",
    note="Keras: an int as the rate cuts the factor to an int.",
)
_TRIANGULAR = Row(
    torch="CyclicLR(optimizer, base_lr=base_lr, max_lr=peak_lr, step_size_up=half_cycle_steps,"
    " step_size_down=down_steps, mode=mode, gamma=factor, cycle_momentum=False)",
    note="CyclicLR cycles the momentum too unless told not to.",
)
_ONE_CYCLE = Row(
    torch="OneCycleLR(optimizer, max_lr=peak_lr, total_steps=total_steps,"
    " pct_start=warmup_fraction, anneal_strategy=anneal[:3] if anneal == 'cosine' else anneal,"
    " three_phase=three_phase, div_factor=start_factor, final_div_factor=final_factor,"
    " cycle_momentum=False) if total_steps > 1 and warmup_fraction * total_steps != 1 else None",
    optax="cosine_onecycle_schedule(total_steps - 1, peak_lr,"
    " pct_start=(round(warmup_fraction * total_steps) - 0.5) / (total_steps - 1),"
    " div_factor=start_factor, final_div_factor=final_factor)"
    " if anneal == 'cosine' and not three_phase and whole(warmup_fraction * total_steps)"
    " else linear_onecycle_schedule(total_steps - 1, peak_lr,"
    " pct_start=(round(warmup_fraction * total_steps) - 0.5) / (total_steps - 1),"
    " pct_final=(2 * round(warmup_fraction * total_steps) - 1.5) / (total_steps - 1),"
    " div_factor=start_factor, final_div_factor=final_factor)"
    " if anneal == 'linear' and three_phase and whole(warmup_fraction * total_steps)"
    " and warmup_fraction else None",
    fastai="combined_cos((warmup_fraction * total_steps - 1) / (total_steps - 1),"
    " peak_lr / start_factor, peak_lr, peak_lr / start_factor / final_factor)"
    " if anneal == 'cosine' and not three_phase"
    " and 1 <= warmup_fraction * total_steps < total_steps else None",
    note="torch ends at total_steps - 1, and one step() more bounces up; optax peaks at "
    "int(pct * T), fastai at pct * T, both end at T, so T is one less (fastai: position "
    "t / (total_steps - 1)). "
    "fit_one_cycle ends at peak_lr / 1e5.",
)
_WARMED = "warmup_steps and plain(then) and abs(then(0) - own_lr(then)) <= 1e-9 * own_lr(then)"
# Where the peak is 0, a floor above it is no share of it.
_SHARE = " if peak_lr or not final_lr else None"
_WARM = (
    "LinearLR(optimizer, start_factor=1 / (warmup_steps + 1), total_iters=warmup_steps)",
    "linear_schedule(peak_lr / (warmup_steps + 1), peak_lr, warmup_steps)",
)
_WSD_NOTE = (
    "transformers warms up from its floor, not from one part in warmup_steps + 1: equal from the "
    "end of the warmup on."
)
_INSIDE = (
    "In torch only a schedule that multiplies the optimizer's rate may stand inside: no one-cycle, "
    "triangle or restart, no schedule of schedules"
)
_SCALED = dict(
    torch="then if plain(then) and not then.params.get('final_lr') else None",
    note="torch: the number goes into the lr of the optimizer or of the group; what sets the rate "
    "itself, and a floor such as eta_min, would not be scaled.",
)

ROSETTA: dict[str, Row] = {
    "constant": Row(
        torch="ConstantLR(optimizer, factor=1.0)",
        keras="lr",
        optax="constant_schedule(lr)",
        transformers="get_constant_schedule(optimizer)",
        fastai="SchedNo(lr, lr)",
        note="torch and Keras need no schedule for it. ConstantLR's own factor is 1/3.",
    ),
    "linear": Row(
        torch="LinearLR(optimizer, start_factor=1.0, end_factor=floor, total_iters=total_steps)"
        " if final_lr <= peak_lr else None",
        keras="PolynomialDecay(peak_lr, total_steps, end_learning_rate=final_lr)",
        optax="linear_schedule(peak_lr, final_lr, total_steps)",
        timm="PolyLRScheduler(optimizer, t_initial=total_steps, power=1.0, lr_min=final_lr,"
        " t_in_epochs=False)",
        transformers="get_linear_schedule_with_warmup(optimizer, 0, total_steps)"
        " if not final_lr else None",
        fastai="SchedLin(peak_lr, final_lr)",
        note="Keras's end_learning_rate is 1e-4 unless given.",
    ),
    "polynomial": _POLYNOMIAL,
    "cosine": Row(
        torch="CosineAnnealingLR(optimizer, T_max=total_steps, eta_min=final_lr)",
        keras="CosineDecay(peak_lr, total_steps, alpha=floor)" + _SHARE,
        optax="cosine_decay_schedule(peak_lr, total_steps, alpha=floor)" + _SHARE,
        timm="CosineLRScheduler(optimizer, t_initial=total_steps, lr_min=final_lr,"
        " t_in_epochs=False)",
        transformers="get_cosine_with_min_lr_schedule_with_warmup(optimizer, 0, total_steps,"
        " min_lr_rate=floor)" + _SHARE,
        fastai="SchedCos(peak_lr, final_lr)",
        note="Past the end torch and transformers climb again; ours, Keras, optax and timm stay. "
        "Keras's and optax's alpha is a share of the first rate, torch's eta_min a rate.",
    ),
    "step_decay": Row(
        torch="StepLR(optimizer, step_size=every, gamma=factor)",
        keras="ExponentialDecay(lr, decay_steps=every, decay_rate=factor, staircase=True)",
        optax="exponential_decay(lr, transition_steps=every, decay_rate=factor, staircase=True)",
        timm="StepLRScheduler(optimizer, decay_t=every, decay_rate=factor, t_in_epochs=False)",
        note="In a compiled graph a stair of Keras or optax can come one update late, by rounding.",
    ),
    "multistep": Row(
        torch="MultiStepLR(optimizer, milestones=list(milestones), gamma=factor)",
        keras="PiecewiseConstantDecay([m - 1 for m in milestones],"
        " [lr * factor**i for i in range(len(milestones) + 1)]) if milestones else None",
        optax="piecewise_constant_schedule(lr, {m: factor for m in milestones})",
        timm="MultiStepLRScheduler(optimizer, decay_t=[m + 1 for m in milestones],"
        " decay_rate=factor, t_in_epochs=False)",
        note="A milestone m is first used by update m in torch and optax, by m + 1 in Keras, "
        "by m - 1 in timm.",
    ),
    "exponential": Row(
        torch="ExponentialLR(optimizer, gamma=factor ** (1 / every)) if not staircase"
        " else StepLR(optimizer, step_size=every, gamma=factor)",
        keras=_EXPONENTIAL[0].format("factor"),
        optax=_EXPONENTIAL[1].format("factor"),
        timm="StepLRScheduler(optimizer, decay_t=every, decay_rate=factor, t_in_epochs=False)"
        " if staircase or every == 1 else None",
        fastai="SchedExp(lr, lr * factor) if not staircase else None",
        note="fastai: position t / every.",
    ),
    "tabulated": Row(
        keras="PiecewiseConstantDecay(list(range(len(rates) - 1)), list(rates))"
        " if len(rates) > 1 else None",
        note="torch: LambdaLR with a list inside.",
    ),
    "warmup": Row(
        torch="SequentialLR(optimizer, [LinearLR(optimizer, start_factor=start,"
        " total_iters=warmup_steps), then], milestones=[warmup_steps])"
        f" if shape == 'linear' and 0 < start <= 1 and {_WARMED} else"
        " SequentialLR(optimizer, [ConstantLR(optimizer, factor=start,"
        " total_iters=warmup_steps), then], milestones=[warmup_steps])"
        f" if shape == 'constant' and start <= 1 and {_WARMED} else None",
        keras="CosineDecay(start * then(0), decay_steps=then.params['total_steps'],"
        " alpha=then.params.get('final_lr', 0.0) / then(0), warmup_target=then(0),"
        " warmup_steps=warmup_steps)"
        " if then.formula is cosine and shape == 'linear' and then(0) else None",
        optax="join_schedules([linear_schedule(start * then(0), then(0), warmup_steps), then],"
        " [warmup_steps]) if shape == 'linear' else None",
        timm="CosineLRScheduler(optimizer, t_initial=then.params['total_steps'],"
        " lr_min=then.params.get('final_lr', 0.0), warmup_t=warmup_steps,"
        " warmup_lr_init=start * then(0), warmup_prefix=True, t_in_epochs=False)"
        " if then.formula is cosine and shape == 'linear' else None",
        transformers="get_cosine_with_min_lr_schedule_with_warmup(optimizer, warmup_steps,"
        " warmup_steps + then.params['total_steps'],"
        " min_lr_rate=then.params.get('final_lr', 0.0) / then(0))"
        " if then.formula is cosine and shape == 'linear' and start == 0 and then(0) else None",
        note="Ours begins at 1 / (warmup_steps + 1) of the peak; transformers at 0; timm at 0 "
        "unless told; optax must be told. torch's LinearLR cannot begin at 0. timm without "
        "warmup_prefix never reaches the peak. optax.warmup_cosine_decay_schedule counts the "
        "warmup into decay_steps. "
        f"{_INSIDE}, and none that begins below its own rate.",
    ),
    "join": Row(
        torch="SequentialLR(optimizer, parts, milestones=list(boundaries))"
        " if all([plain(part) and own_lr(part) == own_lr(parts[0]) for part in parts]) else None",
        optax="join_schedules(parts, list(boundaries))",
        note=f"torch's parts share one optimizer, and so one rate. {_INSIDE}.",
    ),
    "per_epoch": Row(
        note="torch: the scheduler of `then`, with step() once an epoch. Keras: "
        "LearningRateScheduler asks once an epoch.",
    ),
    "constant_factor": Row(
        torch="ConstantLR(optimizer, factor=factor, total_iters=hold_steps)"
        " if factor <= 1 and hold_steps else None",
        keras="PiecewiseConstantDecay([hold_steps - 1], [lr * factor, lr])",
        optax="piecewise_constant_schedule(lr * factor, {hold_steps: 1 / factor})",
    ),
    "linear_ramp": Row(
        torch="LinearLR(optimizer, start_factor=start_factor, end_factor=end_factor,"
        " total_iters=total_steps) if 0 < start_factor <= 1 and end_factor <= 1 else None",
        keras="PolynomialDecay(lr * start_factor, total_steps, end_learning_rate=lr * end_factor)",
        optax="linear_schedule(lr * start_factor, lr * end_factor, total_steps)",
        fastai="SchedLin(lr * start_factor, lr * end_factor)",
        note="LinearLR refuses a start of 0 and anything above 1.",
    ),
    "piecewise_constant": Row(
        keras="PiecewiseConstantDecay([m - 1 for m in milestones], list(rates))"
        " if milestones else None",
        optax="piecewise_constant_schedule(rates[0],"
        " {m: b / a for m, a, b in zip(milestones, rates, rates[1:])})"
        " if all(rates[:-1]) else None",
        note="Keras's changes come one update later; optax takes factors, not rates.",
    ),
    "piecewise_linear": Row(
        optax="piecewise_interpolate_schedule('linear', rates[0],"
        " {k: b / a for k, a, b in zip(knots, rates[:1] + rates, rates)})"
        " if all(rates[:-1]) else None",
        note="optax takes factors, not rates.",
    ),
    "natural_exponential": Row(
        torch="ExponentialLR(optimizer, gamma=exp(-factor / every)) if not staircase"
        " else StepLR(optimizer, step_size=every, gamma=exp(-factor))",
        keras=_EXPONENTIAL[0].format("exp(-factor)"),
        optax=_EXPONENTIAL[1].format("exp(-factor)"),
    ),
    "inverse_time": _INVERSE_TIME,
    "inverse_time_staircase": _INVERSE_TIME,
    "power": Row(),
    "polynomial_cycle": Row(keras=_POLYNOMIAL.keras, note="Keras ends at 1e-4 unless told."),
    "cosine_power": Row(
        optax="cosine_decay_schedule(peak_lr, total_steps, alpha=floor, exponent=power)" + _SHARE,
    ),
    "k_decay": Row(
        timm="CosineLRScheduler(optimizer, t_initial=total_steps, lr_min=final_lr, k_decay=k,"
        " t_in_epochs=False)",
    ),
    "tanh": Row(
        timm="TanhLRScheduler(optimizer, t_initial=total_steps, lb=-lower, ub=upper,"
        " lr_min=final_lr, t_in_epochs=False)",
        note="timm's lb is -7 unless given.",
    ),
    "rex": Row(),
    "restart": Row(note="Only cosines restart elsewhere: see cosine_restarts."),
    "cosine_restarts": Row(
        torch="CosineAnnealingWarmRestarts(optimizer, T_0=cycle_steps, T_mult=int(cycle_factor),"
        " eta_min=final_lr)"
        " if peak_factor == 1 and not warmup_steps and whole(cycle_factor) else None",
        keras="CosineDecayRestarts(peak_lr, cycle_steps, t_mul=cycle_factor, m_mul=peak_factor,"
        " alpha=floor) if not warmup_steps and (not final_lr or peak_lr and peak_factor == 1)"
        " else None",
        optax="sgdr_schedule([dict(init_value=final_lr + (peak_lr * peak_factor**i - final_lr)"
        " / (warmup_steps + 1), peak_value=peak_lr * peak_factor**i, warmup_steps=warmup_steps,"
        " decay_steps=int(cycle_steps * cycle_factor**i), end_value=final_lr)"
        " for i in range(10)]) if whole(cycle_factor) else None",
        timm="CosineLRScheduler(optimizer, t_initial=cycle_steps, lr_min=final_lr,"
        " cycle_mul=cycle_factor, cycle_decay=peak_factor, cycle_limit=10**6, t_in_epochs=False)"
        " if not warmup_steps else None",
        transformers="get_cosine_with_hard_restarts_schedule_with_warmup(optimizer, 0,"
        " 10 * cycle_steps, num_cycles=10) if cycle_factor == peak_factor == 1"
        " and not warmup_steps and not final_lr else None",
        note="torch has no lower peaks. Keras lowers the height above the floor, ours and timm's "
        "the peak. optax lists its cycles, here 10; transformers ends at 0 after the last. "
        "step(epoch) in torch and timm can miss a restart by rounding.",
    ),
    "triangular": _TRIANGULAR,
    "triangular2": _TRIANGULAR,
    "exp_range": _TRIANGULAR,
    "one_cycle": _ONE_CYCLE,
    "one_cycle_three_phase": replace(
        _ONE_CYCLE,
        fastai=None,
        note="torch ends at total_steps - 1; one step() more goes below zero, or up again with a "
        "cosine. optax peaks at int(pct * T) and ends at T, so T is one less. fastai has "
        "two phases.",
    ),
    "one_cycle_momentum": Row(
        torch="OneCycleLR(optimizer, max_lr=1.0, total_steps=total_steps,"
        " pct_start=warmup_fraction, anneal_strategy=anneal[:3] if anneal == 'cosine' else anneal,"
        " three_phase=three_phase, base_momentum=low, max_momentum=high)"
        " if total_steps > 1 and warmup_fraction * total_steps != 1 else None",
        fastai="combined_cos((warmup_fraction * total_steps - 1) / (total_steps - 1), high, low,"
        " high) if anneal == 'cosine' and not three_phase"
        " and 1 <= warmup_fraction * total_steps < total_steps else None",
        note="A part of torch's one-cycle, on unless cycle_momentum=False. "
        "fastai: position t / (total_steps - 1).",
    ),
    "noam": Row(),
    "inverse_sqrt": Row(
        timm="WSDLRScheduler(optimizer, t_initial=10**9, decay_t=1, stable_fn='rsqrt',"
        " stable_timescale=timescale or warmup_steps, warmup_t=warmup_steps,"
        " warmup_lr_init=peak_lr / (warmup_steps + 1), t_in_epochs=False)",
        transformers="get_inverse_sqrt_schedule(optimizer, warmup_steps,"
        " timescale=timescale or warmup_steps)",
        note="transformers warms up from 0: equal from the end of the warmup on. Its timescale "
        "is 10,000 where there is no warmup.",
    ),
    "wsd": Row(
        torch=f"SequentialLR(optimizer, [{_WARM[0]}, ConstantLR(optimizer, factor=1.0),"
        " LinearLR(optimizer, start_factor=1.0, end_factor=floor, total_iters=cooldown_steps)],"
        " milestones=[warmup_steps, total_steps - cooldown_steps])"
        " if shape == 'linear' and 0 < warmup_steps < total_steps - cooldown_steps < total_steps"
        " and final_lr <= peak_lr else None",
        optax=f"join_schedules([{_WARM[1]}, constant_schedule(peak_lr),"
        " linear_schedule(peak_lr, final_lr, cooldown_steps) if shape == 'linear' else"
        " cosine_decay_schedule(peak_lr, cooldown_steps, alpha=floor)],"
        " [warmup_steps, total_steps - cooldown_steps])"
        " if shape in ('linear', 'cosine') and cooldown_steps else None",
        timm="WSDLRScheduler(optimizer, t_initial=total_steps - warmup_steps,"
        " decay_t=cooldown_steps, lr_min=final_lr, decay_fn=shape[:3] if shape[0] == 'e' else"
        " shape, decay_ratio=0.5, warmup_t=warmup_steps,"
        " warmup_lr_init=peak_lr / (warmup_steps + 1), t_in_epochs=False)"
        " if cooldown_steps and final_lr <= peak_lr else None",
        transformers="get_wsd_schedule(optimizer, warmup_steps, cooldown_steps, total_steps,"
        " decay_type=shape, min_lr_ratio=floor) if shape != 'exponential' else None",
        note=_WSD_NOTE,
    ),
    "flat_cosine": Row(
        torch="SequentialLR(optimizer, [ConstantLR(optimizer, factor=1.0),"
        " CosineAnnealingLR(optimizer, T_max=round((1 - flat_fraction) * total_steps),"
        " eta_min=final_lr)], milestones=[round(flat_fraction * total_steps)])"
        " if whole(flat_fraction * total_steps) and 0 < flat_fraction < 1 else None",
        optax="join_schedules([constant_schedule(peak_lr), cosine_decay_schedule(peak_lr,"
        " (1 - flat_fraction) * total_steps, alpha=floor)], [flat_fraction * total_steps])"
        " if whole(flat_fraction * total_steps) and flat_fraction < 1 else None",
        fastai="combined_cos(flat_fraction, peak_lr, peak_lr, final_lr)"
        " if flat_fraction < 1 else None",
        note="torch's wave climbs again past the end. fit_flat_cos ends at lr / 1e5.",
    ),
    "knee": Row(
        torch=f"SequentialLR(optimizer, [{_WARM[0]}, ConstantLR(optimizer, factor=1.0),"
        " LinearLR(optimizer, start_factor=1.0, end_factor=floor,"
        " total_iters=total_steps - warmup_steps - explore_steps)],"
        " milestones=[warmup_steps, warmup_steps + explore_steps])"
        " if warmup_steps and explore_steps and warmup_steps + explore_steps < total_steps"
        " and final_lr <= peak_lr else None",
        optax=f"join_schedules([{_WARM[1]}, constant_schedule(peak_lr), linear_schedule(peak_lr,"
        " final_lr, total_steps - warmup_steps - explore_steps)],"
        " [warmup_steps, warmup_steps + explore_steps])"
        " if warmup_steps + explore_steps < total_steps else None",
        timm="WSDLRScheduler(optimizer, t_initial=total_steps - warmup_steps,"
        " decay_t=total_steps - warmup_steps - explore_steps, lr_min=final_lr,"
        " decay_fn='linear', warmup_t=warmup_steps,"
        " warmup_lr_init=peak_lr / (warmup_steps + 1), t_in_epochs=False)"
        " if warmup_steps + explore_steps < total_steps and final_lr <= peak_lr else None",
        transformers="get_wsd_schedule(optimizer, warmup_steps,"
        " total_steps - warmup_steps - explore_steps, total_steps, decay_type='linear',"
        " min_lr_ratio=floor)",
        note=_WSD_NOTE,
    ),
    "slanted_triangular": Row(),
    "tri_stage": Row(
        optax="join_schedules([linear_schedule(peak_lr * start_factor, peak_lr, warmup_steps),"
        " constant_schedule(peak_lr), exponential_decay(peak_lr, decay_steps, floor,"
        " end_value=final_lr)], [warmup_steps, warmup_steps + hold_steps])",
    ),
    "product": Row(
        torch="ChainedScheduler(parts)"
        " if all([plain(part) and not part.params.get('final_lr') for part in parts]) else None",
        optax="lambda step: math.prod(part(step) for part in parts)",
        note=f"ChainedScheduler is no product where a part has a floor. {_INSIDE}.",
    ),
    "scale": Row(**_SCALED, optax="lambda step: factor * then(step)"),
    "layerwise": Row(**_SCALED, optax="lambda step: factor ** (layers - 1 - layer) * then(step)"),
    "batch_scaled": Row(
        **_SCALED,
        optax="lambda step: (batch_size / base_batch_size)"
        " ** (1.0 if rule == 'linear' else 0.5) * then(step)",
    ),
    "lambda_lr": Row(
        torch="LambdaLR(optimizer, lr_lambda=factor)",
        optax="lambda step: lr * factor(step)",
        note="Keras: subclass LearningRateSchedule.",
    ),
    "multiplicative": Row(torch="MultiplicativeLR(optimizer, lr_lambda=factor)"),
}
# A schedule needs no row: what nobody wrote down, the others do not have.
for _key in GALLERY:
    ROSETTA.setdefault(_key, Row())
