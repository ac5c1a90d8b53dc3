"""The looks of the page: one palette for light and one for dark, told apart by lightness too."""

from remedyd.testing.backtest.figures import Phase

PHASES: dict[str, str] = {
    Phase.PROPOSED: "proposed",
    "needless": "proposed, but recovered alone",
    Phase.OPEN: "waiting for an answer",
    Phase.SUSTAIN: "matching, not yet long enough",
    Phase.COOLDOWN: "held by a cooldown",
    Phase.LIMIT: "held by a limit or guardrail",
    Phase.UNSURE: "no trustworthy reading",
}
"""What the colours of a track mean, in the order of the legend."""

CSS = """
:root { color-scheme: light dark;
  --page: #ffffff; --card: #f6f8fa; --ink: #1b1f24; --dim: #57606a; --line: #d8dee4;
  --proposed: #0b57d0; --open: #8fb8f6; --sustain: #c9d1d9; --cooldown: #eab54d;
  --limit: #c4314b; --unsure: #8a63b8; --good: #1a7f4b; --bad: #b3261e; --other: #0d7d8c; }
@media (prefers-color-scheme: dark) { :root {
  --page: #0f1419; --card: #181e25; --ink: #e6edf3; --dim: #9aa6b2; --line: #303a45;
  --proposed: #6ea8fe; --open: #2d4f83; --sustain: #46505b; --cooldown: #b98a2a;
  --limit: #f2738a; --unsure: #a98bd6; --good: #56c98a; --bad: #ff8a80; --other: #4cc3d3; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 28px 24px 64px; }
h1 { font-size: 24px; margin: 0 0 4px; letter-spacing: -0.01em; }
h2 { font-size: 17px; margin: 36px 0 4px; }
p { margin: 4px 0 12px; } .dim { color: var(--dim); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(185px, 1fr)); gap: 12px;
  margin: 20px 0 8px; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 12px 14px; }
.tile .label { color: var(--dim); font-size: 13px; }
.tile .value { font-size: 27px; font-weight: 650; line-height: 1.25;
  font-variant-numeric: tabular-nums; }
.tile .note { color: var(--dim); font-size: 13px; }
.tile .pair { display: flex; flex-wrap: wrap; gap: 0 16px; } .pair .value { white-space: nowrap; }
b[class^="set-"] { display: inline-block; min-width: 20px; padding: 0 5px; margin-right: 7px;
  border-radius: 5px; font-size: 12px; line-height: 20px; text-align: center; color: var(--page);
  vertical-align: 12%; background: var(--proposed); } b.set-B { background: var(--other); }
.sets { display: flex; flex-wrap: wrap; gap: 4px 24px; overflow-wrap: anywhere; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 6px 0 8px; font-size: 13px;
  color: var(--dim); }
.legend i { display: inline-block; width: 12px; height: 12px; border-radius: 3px;
  margin-right: 6px; vertical-align: -1px; }
.scroll { overflow-x: auto; }
svg { display: block; width: 100%; min-width: 980px; height: auto; }
svg text { fill: var(--ink); font-size: 12px; font-family: inherit; }
svg text.dim { fill: var(--dim); } svg text.policy { font-weight: 650; font-size: 13px; }
svg .grid { stroke: var(--line); stroke-width: 1; } svg .lane { fill: var(--card); }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { text-align: left; padding: 6px 14px 6px 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th { color: var(--dim); font-weight: 550; font-size: 13px; white-space: nowrap; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.t { white-space: nowrap; font-variant-numeric: tabular-nums; }
.recovered { color: var(--bad); } .persisted { color: var(--good); }
.gone, .unknown { color: var(--dim); }
details { margin-top: 10px; } summary { cursor: pointer; font-weight: 600; padding: 6px 0; }
.notice { border-left: 4px solid var(--cooldown); background: var(--card); padding: 8px 12px;
  margin: 12px 0; font-size: 14px; } .notice ul { margin: 0; padding: 0; list-style: none; }
""" + "".join(
    f".{phase} {{ fill: var(--{phase}); background: var(--{phase}); }}\n" for phase in Phase
)
CSS += """.needless { fill: var(--page); stroke: var(--proposed); stroke-width: 1.6;
  background: var(--page); box-shadow: inset 0 0 0 2px var(--proposed); }
"""
