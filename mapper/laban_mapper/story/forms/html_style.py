"""The style of a story in HTML, in light and dark."""

from typing import Final

STYLE: Final = """
:root { color-scheme: light dark; --back: #fff; --ink: #1f2937; --dim: #5b6675; --line: #e2e8f0;
  --card: #f8fafc; --bar: #c7d7f5; --critical: #2f5fc4; --fail: #c81e1e; --on-fail: #fff;
  --wait: #9d5bd2; --ok: #15803d; --warn: #b45309; --gap: #eef2f7 }
@media (prefers-color-scheme: dark) {
  :root { --back: #0f172a; --ink: #e2e8f0; --dim: #9aa7b8; --line: #273449; --card: #16213a; --bar: #2d4064;
  --critical: #7aa5f7; --fail: #f26d6d; --on-fail: #200; --wait: #c39af0;
  --ok: #4ade80; --warn: #fbbf24; --gap: #1a2740 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--back); color: var(--ink); font: 14px/1.45 system-ui, sans-serif }
main { max-width: 1400px; margin: 0 auto; padding: 20px }
h1 { font-size: 20px; margin: 0 0 8px; overflow-wrap: anywhere }
h2 { font-size: 15px; margin: 22px 0 8px }
p { margin: 4px 0; overflow-wrap: anywhere }
code, td:first-child { font-family: ui-monospace, monospace; font-size: 12.5px }
.outcome { font-size: 13px; padding: 2px 8px; border-radius: 4px; color: var(--back); background: var(--warn);
  vertical-align: 2px; white-space: nowrap }
.outcome.ok { background: var(--ok) } .outcome.failed { background: var(--fail) }
.verdict { font-size: 16px; font-weight: 600 }
.dim { color: var(--dim) } .error { color: var(--fail) } .wait { color: var(--wait) }
.note { border-left: 3px solid var(--warn); padding-left: 8px }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 4px 16px 10px;
  margin-top: 14px }
.card h2 { margin-top: 8px } .card ol { margin: 0; padding-left: 20px } .card .first { font-weight: 600 }
.card .dim { font-weight: 400 }
table { border-collapse: collapse; width: 100% }
th { text-align: left; font-weight: 500; color: var(--dim); font-size: 12px }
th, td { padding: 3px 8px 3px 0; border-bottom: 1px solid var(--line); vertical-align: top;
  overflow-wrap: anywhere }
.steps th:not(:nth-child(2)), .steps td:not(:nth-child(2)) { text-align: right; white-space: nowrap;
  width: 92px; padding-left: 8px; font-variant-numeric: tabular-nums }
.steps { table-layout: fixed } .steps th:nth-child(2) { padding-left: 0.4em }
.steps .critical td:last-child { font-weight: 700; color: var(--critical) }
.steps .failed b { color: var(--fail) }
.logs th, .logs td:nth-child(1), .logs td:nth-child(3) { white-space: nowrap }
.logs td:nth-child(1) { padding-right: 16px; font-variant-numeric: tabular-nums }
.logs td:nth-child(2) { min-width: clamp(80px, 17vw, 180px) } .logs td:last-child { width: 100% }
.logs .failed td:nth-child(3) { color: var(--fail); font-weight: 700 }
td, .name, .bar { unicode-bidi: isolate }
summary { cursor: pointer; padding: 3px 0; overflow-wrap: anywhere }
td details { font-size: 12.5px; color: var(--dim) } td ul { margin: 2px 0; padding-left: 18px }
.state { color: var(--warn) } .state.processed { color: var(--ok) }
.state.failed, .state.dead-lettered { color: var(--fail); font-weight: 700 }
.lanes { display: grid; grid-template-columns: minmax(90px, 170px) minmax(0, 1fr);
  border: 1px solid var(--line); border-radius: 8px; overflow: hidden }
.name, .track { border-bottom: 1px solid var(--line) }
.lanes > :nth-last-child(-n+2) { border-bottom: 0 }
.name { padding: 4px 8px; background: var(--card); font-weight: 600; overflow-wrap: anywhere }
.name .dim { font-weight: 400; font-size: 12px; display: block }
.track { position: relative; overflow: hidden; min-height: 26px }
.axis { min-height: 22px; font-size: 11.5px; color: var(--dim); background: var(--card) }
.tick { position: absolute; top: 3px; padding-left: 3px; white-space: nowrap }
.tick.last { padding: 0 3px 0 0; transform: translateX(-100%) }
.grid { position: absolute; top: 0; bottom: 0; width: 1px; background: var(--line) }
.gap { position: absolute; top: 0; bottom: 0; background: repeating-linear-gradient(135deg, var(--gap) 0 4px,
  transparent 4px 8px) }
.gap span { position: absolute; top: 3px; left: 0; right: 0; text-align: center; overflow: hidden;
  white-space: nowrap; font-style: italic }
.bar { position: absolute; height: 18px; min-width: 3px; border-radius: 3px; background: var(--bar);
  padding: 0 4px; font-size: 11.5px; line-height: 18px; white-space: nowrap; overflow: hidden }
.bar.narrow { padding: 0 }
.bar.critical { line-height: 15px; font-weight: 600 }
.section { position: absolute; height: 4px; min-width: 2px; background: var(--critical) }
.bar.failed { background: var(--fail); color: var(--on-fail) }
.queued { position: absolute; height: 10px; min-width: 2px; border-left: 2px solid var(--wait); background:
  repeating-linear-gradient(90deg, var(--wait) 0 5px, transparent 5px 9px) left center / 100% 2px no-repeat }
.logged { position: absolute; width: 8px; height: 8px; margin-left: -4px; border: 2px solid var(--dim);
  border-radius: 50%; background: var(--back); box-sizing: border-box }
.logged.failed { border-color: var(--fail); background: var(--fail); border-radius: 0;
  transform: rotate(45deg) }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 6px 0; color: var(--dim); font-size: 12.5px }
.legend i { display: inline-block; width: 22px; height: 10px; border-radius: 2px; margin-right: 5px;
  background: var(--bar) }
.legend .critical { border-bottom: 4px solid var(--critical) } .legend .failed { background: var(--fail) }
.legend .logged { position: static; width: 8px; height: 8px; margin-left: 0; border-radius: 50%;
  background: var(--back) }
.legend .queue { background: none; border-top: 2px dashed var(--wait); height: 4px }
footer { margin-top: 20px; overflow-wrap: anywhere; font-size: 12.5px }
@media print { details { break-inside: avoid } }
""".strip()
