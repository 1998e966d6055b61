"""The review desk: `streamlit run streamlit_app.py`."""

import streamlit as st

from moderation.app import (
    add_page,
    bulk_page,
    insight_page,
    model_page,
    review_page,
    settings_page,
)
from moderation.app.people import ask_who

# Set first, and as an emoji: the browser would fetch a page's own icon from a server of Google's.
st.set_page_config(page_icon="💬", layout="wide")
page = st.navigation(
    [
        st.Page(review_page.show, title="Review", icon=":material/rate_review:", url_path="review",
                default=True),
        st.Page(bulk_page.show, title="Many at once", icon=":material/checklist:",
                url_path="many"),
        st.Page(insight_page.show, title="Insight", icon=":material/insights:",
                url_path="insight"),
        st.Page(model_page.show, title="Model", icon=":material/monitoring:", url_path="model"),
        st.Page(add_page.show, title="Add comments", icon=":material/upload:", url_path="add"),
        st.Page(settings_page.show, title="Settings", icon=":material/tune:", url_path="settings"),
    ]
)  # fmt: skip
st.set_page_config(page_title=f"{page.title} · moderation")
ask_who()
page.run()
