"""How the report looks: one column on a telephone, light or dark as the reader's system is."""

from __future__ import annotations

STYLE = """
:root{color-scheme:light dark;--paper:#fff;--ink:#1c2430;--quiet:#5b6675;--line:#dfe3e8;
--lane:#f1f3f6;--time:#a9b2be;--weak:#5b8fd6;--writers:#e0a01f;--all:#d1383d;--even:#7d8896;
--good:#1a7f45;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--paper:#14181e;--ink:#e4e8ee;--quiet:#98a3b1;
--line:#2b323b;--lane:#1e242c;--time:#5c6673;--weak:#5b8fd6;--writers:#d79a22;--all:#e5585c;
--even:#454e5a;--good:#56c285;--bad:#ff8a80}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:64rem;margin:0 auto;padding:1.25rem 1rem 3rem}
h1{font-size:1.45rem;line-height:1.25;margin:0 0 .5rem;overflow-wrap:anywhere}
h2{font-size:1.1rem;margin:0 0 .35rem;overflow-wrap:anywhere}
h3{font-size:.95rem;margin:1.1rem 0 .35rem}
h3 .quiet{font-weight:400}
p{margin:.35rem 0}
code{font:13px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
section{border-top:1px solid var(--line);margin-top:1.75rem;padding-top:1.25rem}
.verdict{font-size:1.1rem;font-weight:600;margin:.25rem 0 1rem}
.good{color:var(--good)}.bad{color:var(--bad)}
.word{font-weight:600}
.quiet,.note,footer{color:var(--quiet)}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.6rem 1.5rem;
margin:0 0 1rem}
.facts dt{color:var(--quiet);font-size:.8rem}
.facts dd{margin:0}
.legend{color:var(--quiet);font-size:.85rem;margin:1rem 0}
.key{display:inline-block;width:.9rem;height:.65rem;margin:0 .35rem 0 0;border-radius:2px}
.legend span{display:inline-block;margin-right:1.1rem}
.key.all{background:var(--all)}.key.writers{background:var(--writers)}
.key.weak{background:var(--weak)}.key.time{background:var(--time)}
.key.code{background:var(--line)}
svg{display:block;width:100%;height:.8rem;background:var(--lane);border-radius:2px}
rect.time{fill:var(--time)}rect.odd{fill:var(--time)}rect.even{fill:var(--even)}
rect.code{fill:var(--line)}rect.weak{fill:var(--weak)}rect.writers{fill:var(--writers)}
rect.all{fill:var(--all)}
.overview p{color:var(--quiet);font-size:.85rem}
.row{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 1rem;margin:.7rem 0 .15rem}
.row a{color:inherit;text-decoration:none;overflow-wrap:anywhere}
.row a:hover{text-decoration:underline}
.lane{display:grid;grid-template-columns:8.5rem minmax(0,1fr) 11.5rem;gap:0 .75rem;
align-items:center;font-size:.82rem;margin:.2rem 0}
.overview .lane{grid-template-columns:3rem minmax(0,1fr) 4.5rem}
.lane span{overflow-wrap:anywhere}
.lane span:last-child{color:var(--quiet)}
ol{margin:.6rem 0 0;padding-left:1.8rem}
li{margin:.45rem 0}
li p{margin:0;font-size:.85rem}
li::marker{color:var(--quiet);font-size:.85rem}
summary{cursor:pointer;list-style:none}
summary::-webkit-details-marker{display:none}
summary::after{content:"more";color:var(--quiet);font-size:.8rem;text-decoration:underline;
margin-left:.4rem}
details[open] summary code{display:none}
details[open] summary::after{content:"less";margin:0}
footer{border-top:1px solid var(--line);margin-top:2rem;padding-top:.75rem;font-size:.85rem}
@media(max-width:40rem){.lane{grid-template-columns:minmax(0,1fr) auto}
.lane svg{grid-column:1/3;grid-row:2}
.overview .lane{grid-template-columns:2.4rem minmax(0,1fr) 4rem}
.overview .lane svg{grid-column:2;grid-row:1}}
""".replace("\n", "")
