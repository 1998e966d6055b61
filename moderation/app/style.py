"""How the desk looks: the style sheet and the script of every page."""

from typing import Final

STYLE: Final = """
<style>
[data-testid="stMainBlockContainer"] { padding-top: 3rem; }
button:not(:disabled) kbd { opacity: 1; }
@media (max-width: 1000px) {
  .st-key-desk [data-testid="stHorizontalBlock"]:has(> [data-testid="stColumn"]) {
    flex-direction: column; }
  .st-key-desk [data-testid="stColumn"] { width: 100%; min-width: 100%; }
  .st-key-desk [data-testid="stColumn"]:has(.st-key-actions),
  .st-key-desk [data-testid="stVerticalBlock"]:has(> * > .st-key-actions) { display: contents; }
  .st-key-desk :has(> .st-key-actions) { position: sticky; bottom: 0; z-index: 2;
    background: #fbfaf8; border-top: 1px solid #d6d3cd; padding: .6rem 0; }
}
.mod-comment { border: 1px solid #d6d3cd; border-radius: 10px; padding: .9rem 1.1rem;
  background: #fff; margin: 0 0 .6rem 0; }
.mod-comment.around { background: transparent; border-style: dashed; padding: .55rem .9rem; }
.mod-comment.around .mod-text { font-size: .95rem; color: #4b5563; max-height: 9rem; }
.mod-comment.focus { border-left: 6px solid #0f766e; box-shadow: 0 1px 6px rgb(0 0 0 / 8%); }
.mod-head { font-size: .88rem; color: #57534e; margin-bottom: .35rem; display: flex;
  gap: .1rem .9rem; flex-wrap: wrap; }
.mod-head > * { overflow-wrap: anywhere; }
.mod-head b { color: #1f2937; }
.mod-text { font-size: 1.12rem; line-height: 1.6; white-space: pre-wrap; overflow-wrap: anywhere;
  unicode-bidi: isolate; color: #1f2937; max-height: 26rem; overflow-y: auto; }
.mod-text mark { color: inherit; border-radius: 3px; padding: 0 .1em; }
.mod-text mark.raised { background: rgb(251 146 60 / var(--shade));
  border-bottom: 2px solid #c2410c; }
.mod-text mark.lowered { background: rgb(94 234 212 / var(--shade));
  border-bottom: 2px dotted #0f766e; }
.mod-blurred { filter: blur(9px); user-select: none; }
.mod-grey .mod-emoji, .mod-grey img { filter: grayscale(1); }
.mod-scores { display: flex; gap: 1.6rem; align-items: baseline; flex-wrap: wrap; }
.mod-scores b { font-size: 1.6rem; font-weight: 600; color: #1f2937; }
.mod-scores small { font-size: .85rem; color: #57534e; }
.mod-badge { display: inline-block; border-radius: 5px; padding: .1rem .5rem; font-size: .85rem;
  background: #f1efeb; color: #1f2937; border: 1px solid #d6d3cd; }
.mod-badge.remove { background: #fef2f2; border-color: #b91c1c; color: #7f1d1d; }
.mod-badge.hold { background: #fff7ed; border-color: #c2410c; color: #7c2d12; }
.mod-badge.approve { background: #f0fdfa; border-color: #0f766e; color: #134e4a; }
.mod-keys { display: grid; grid-template-columns: auto 1fr; gap: .3rem .9rem; margin: 0;
  color: #1f2937; }
.mod-keys dt { text-align: right; } .mod-keys dd { margin: 0; }
.mod-keys kbd { border: 1px solid #78716c; border-radius: 4px; padding: 0 .4em; background: #fff;
  color: #1f2937; }
.mod-part { font-size: .8rem; letter-spacing: .04em; text-transform: uppercase; color: #57534e;
  margin: .9rem 0 .3rem 0; font-weight: 600; }
.mod-unseen { unicode-bidi: isolate; }
.mod-unseen::before { content: attr(title); font-size: .72em; color: #57534e;
  border: 1px dotted #78716c; border-radius: 3px; padding: 0 .2em; margin: 0 .1em; }
.mod-gone { font-style: italic; color: #57534e; }
.mod-title { font-size: 1.25rem; font-weight: 600; color: #1f2937; overflow-wrap: anywhere;
  margin-bottom: .6rem; }
.mod-heading { font-size: 1.05rem; font-weight: 600; color: #1f2937; margin-bottom: .3rem; }
.mod-table { border-collapse: collapse; width: 100%; font-size: .95rem; color: #1f2937; }
.mod-table th, .mod-table td { text-align: left; vertical-align: top; font-weight: 400;
  padding: .45rem .7rem .45rem 0; border-bottom: 1px solid #d6d3cd; overflow-wrap: anywhere; }
.mod-table thead th { font-weight: 600; }
.mod-quiet { font-size: .9rem; color: #57534e; overflow-wrap: anywhere; }
.mod-list { font-size: .92rem; color: #1f2937; margin: 0; padding-left: 1.1rem;
  overflow-wrap: anywhere; white-space: pre-line; }
.mod-list li { margin-bottom: .4rem; }
.mod-notice { border-radius: 8px; padding: .7rem 1rem; color: #1f2937; background: #fff7ed;
  border: 1px solid #fdba74; overflow-wrap: anywhere; }
.mod-notice.error { background: #fef2f2; border-color: #fca5a5; }
.mod-notice.done { background: #f0fdfa; border-color: #5eead4; }
</style>
"""

HELP_KEY: Final = """
<script>
(() => {
  if (window.moderationHelpKey) return;
  window.moderationHelpKey = true;
  document.addEventListener("keydown", event => {
    const typing = event.target.closest && event.target.closest("input, textarea, select");
    if (event.key !== "?" || typing) return;
    document.querySelector(".st-key-help button")?.click();
  });
})();
</script>
"""
"""Presses the help button on "?", which Streamlit takes for no shortcut."""

FOCUS: Final = """
<style>
[data-testid="stSidebar"], [data-testid="stHeader"] { display: none; }
</style>
"""
"""Hides everything but the comment and what to do with it."""
