"""The review desk: `streamlit run streamlit_app.py`."""

import streamlit as st

from moderation.app import add_page, model_page, review_page
from moderation.app.state import ask_for_name

# Set first, and as an emoji: the browser would fetch a page's own icon from a server of Google's.
st.set_page_config(page_icon="💬", layout="wide")
page = st.navigation(
    [
        st.Page(review_page.show, title="Review", icon=":material/rate_review:", url_path="review",
                default=True),
        st.Page(model_page.show, title="Model", icon=":material/monitoring:", url_path="model"),
        st.Page(add_page.show, title="Add comments", icon=":material/upload:", url_path="add"),
    ]
)  # fmt: skip
st.set_page_config(page_title=f"{page.title} · moderation")
ask_for_name()
page.run()
