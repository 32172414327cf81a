"""The style sheet of the HTML report: for phones and desktops, light and dark, and paper."""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fff; --ink: #1c2430; --faint: #667085; --rule: #dfe3e8; --panel: #f5f7f9;
  --visible: #2f9e6b; --hidden: #d1495b; --declined: #9b2f4b; --moderation: #e2a63b; --archived: #9aa5b1;
  --unknown: #8166b5;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14181d; --ink: #e4e8ed; --faint: #98a2b3; --rule: #313841; --panel: #1d2329;
    --visible: #45b883; --hidden: #e3687a; --declined: #c25a78; --moderation: #e5b45b; --archived: #79848f;
    --unknown: #a28bd4;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; background: var(--paper); color: var(--ink);
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin: .2rem 0 1rem; }
h2 { font-size: 1.25rem; margin: 2rem 0 .3rem; padding-top: .8rem; border-top: 3px solid var(--rule); }
h3 { font-size: 1.02rem; margin: 1.6rem 0 .4rem; }
p { margin: .4rem 0; }
.faint, small { color: var(--faint); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .6rem; margin: .9rem 0; }
.tile { background: var(--panel); border-radius: .5rem; padding: .6rem .8rem; }
.tile b { display: block; font-size: 1.3rem; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
.tile span { color: var(--faint); font-size: .85rem; }
svg { display: block; width: 100%; }
svg.bar { height: 1.75rem; border-radius: .35rem; margin: .6rem 0; }
svg.line { height: auto; }
svg.line polyline { fill: none; stroke: var(--visible); stroke-width: 2; stroke-linejoin: round; }
svg.line circle { fill: var(--visible); }
svg.line line { stroke: var(--rule); }
svg.line text { fill: var(--faint); font-size: 12px; }
.v-visible { fill: var(--visible); background: var(--visible); }
.v-hidden { fill: var(--hidden); background: var(--hidden); }
.v-declined { fill: var(--declined); background: var(--declined); }
.v-moderation { fill: var(--moderation); background: var(--moderation); }
.v-archived { fill: var(--archived); background: var(--archived); }
.v-unknown { fill: var(--unknown); background: var(--unknown); }
i.dot { display: inline-block; width: .7em; height: .7em; border-radius: 50%; margin-right: .45em; }
.wide { overflow-x: auto; }
.wide td:first-child, th { overflow-wrap: normal; }
.whole { white-space: nowrap; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .35rem .5rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--rule); }
th { color: var(--faint); font-weight: 600; font-size: .85rem; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; overflow-wrap: normal; }
th.n { white-space: normal; }
tr.sum td { font-weight: 600; }
details > summary { cursor: pointer; padding: .5rem 0; color: var(--faint); }
td small { display: block; }
footer { margin-top: 2.5rem; padding-top: .8rem; border-top: 1px solid var(--rule); color: var(--faint);
  font-size: .85rem; }
@media (max-width: 38rem) {
  table.products thead { display: none; }
  table.products, table.products tbody, table.products tr, table.products td { display: block; width: 100%; }
  table.products tr { border-bottom: 1px solid var(--rule); padding: .5rem 0; }
  table.products td { border: 0; padding: .1rem 0; text-align: left; }
  table.products td:empty { display: none; }
  table.products td[data-label]::before { content: attr(data-label) " "; color: var(--faint); }
  th, td { padding: .35rem .2rem; }
  .wide table { font-size: .8rem; }
  .wide th { font-size: .75rem; }
  .tile b { font-size: 1.15rem; }
  svg.line text { font-size: 20px; }
}
@media print { body { max-width: none; } .tile { border: 1px solid var(--rule); } tr { break-inside: avoid; } }
"""
