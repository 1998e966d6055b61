"""Disqus, WordPress, DNA and schema.org: the rules of each that one sample cannot show."""

import pytest

from moderation.comments import Status
from moderation.parsers import bbc_dna, bbc_dna_text, disqus, read_comments, schema_org, wordpress

DISQUS = (
    '<disqus xmlns="http://disqus.com" xmlns:dsq="http://disqus.com/disqus-internals">{}</disqus>'
)
POST = '<post dsq:id="1"><message>x</message>{}</post>'
WORDPRESS = (
    '<rss xmlns:wp="http://wordpress.org/export/{}/"><channel><item><link>https://a.example/</link>'
    "<wp:comment><wp:comment_id>1</wp:comment_id><wp:comment_content>x</wp:comment_content>{}"
    "</wp:comment></item></channel></rss>"
)
COMMENT = '<div itemscope itemtype="http://schema.org/{}"><p itemprop="text">x</p>{}</div>'
SCRIPT = '<script type="application/ld+json">{}</script><p>page</p>'


@pytest.mark.parametrize(
    ("deleted", "spam", "status", "reason"),
    [
        ("false", "false", Status.PUBLISHED, None),
        ("true", "false", Status.REMOVED, "deleted"),
        ("false", "true", Status.REMOVED, "spam"),
        ("true", "true", Status.REMOVED, "deleted, spam"),
        ("true", "", Status.REMOVED, "deleted"),
        ("false", "", None, None),
        ("", "", None, None),
    ],
)
def test_a_post_is_published_only_where_both_marks_say_so(deleted, spam, status, reason):
    """A mark that is missing is unknown: such a post teaches nothing."""
    marks = f"<isDeleted>{deleted}</isDeleted><isSpam>{spam}</isSpam>"
    [comment] = read_comments(DISQUS.format(POST.format(marks)).encode())
    assert (comment.status, comment.removal_reason) == (status, reason)


def test_a_post_before_its_thread_keeps_the_number_of_the_thread():
    thread = '<thread dsq:id="7"><link>https://a.example/</link></thread>'
    post = POST.format('<thread dsq:id="7"/>')
    [late] = read_comments(DISQUS.format(post + thread).encode())
    [early] = read_comments(DISQUS.format(thread + post).encode())
    assert (late.article_id, early.article_id) == ("7", "https://a.example/")


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2"])
def test_each_version_of_wordpress_exports_is_read(version):
    text = WORDPRESS.format(version, "<wp:comment_approved>1</wp:comment_approved>")
    [comment] = read_comments(text.encode())
    assert (comment.id, comment.status, comment.source) == ("1", Status.PUBLISHED, "wordpress")


@pytest.mark.parametrize(
    ("approved", "status"),
    [
        ("1", Status.PUBLISHED),
        ("0", Status.PENDING),
        ("spam", Status.REMOVED),
        ("trash", Status.REMOVED),
        ("post-trashed", Status.WITHDRAWN),
        ("something", None),
    ],
)
def test_what_became_of_a_comment_in_wordpress(approved, status):
    text = WORDPRESS.format("1.2", f"<wp:comment_approved>{approved}</wp:comment_approved>")
    assert [comment.status for comment in read_comments(text.encode())] == [status]


@pytest.mark.parametrize("kind", ["pingback", "trackback", "order_note"])
def test_what_no_reader_wrote_is_counted(kind):
    reading = read_comments(
        WORDPRESS.format("1.2", f"<wp:comment_type>{kind}</wp:comment_type>").encode()
    )
    assert list(reading) == []
    assert reading.notes.left_out.total() == 1


@pytest.mark.parametrize(
    ("recognises", "head"),
    [
        (disqus.recognises, "<disqus><post/>"),
        (disqus.recognises, '<p>xmlns="http://disqus.com"</p>'),
        (disqus.recognises, "words <disqus xmlns='http://disqus.com'>"),
        (wordpress.recognises, '<rss version="2.0"><channel>http://wordpress.org/export/1.2/'),
        (wordpress.recognises, '<feed xmlns:wp="http://wordpress.org/export/1.2/">'),
        (schema_org.recognises, COMMENT.format("CommentAction", "")),
        (schema_org.recognises, SCRIPT.format('{"@context":"schema.org","@type":"CommentAction"}')),
        (schema_org.recognises, SCRIPT.format('{"@type":"Comment"}')),
        (bbc_dna.recognises, '<span class="comment-number">1</span><p class="comment-text">'),
        (bbc_dna_text.recognises, "5. At noon on Monday, Ada wrote:"),
    ],
)
def test_what_only_resembles_a_format_is_not_taken_for_it(recognises, head):
    assert not recognises(head)


def test_an_article_about_disqus_is_no_export():
    page = "<html><body><pre>&lt;disqus xmlns='http://disqus.com'&gt;</pre></body></html>"
    assert not disqus.recognises(page)


@pytest.mark.parametrize(
    ("given", "votes"),
    [
        ('<meta itemprop="upvoteCount" content="3">', (3, None)),
        ('<b itemprop="upvoteCount">many</b>', (None, None)),
        ("", (None, None)),
    ],
)
def test_votes_that_are_not_shown_are_not_zero(given, votes):
    [comment] = read_comments(COMMENT.format("Comment", given).encode())
    assert (comment.positive_votes, comment.negative_votes) == votes


def test_a_comment_is_no_answer_to_itself():
    node = '{"@context":"schema.org","@type":"Comment","@id":"a","text":"x","parentItem":"a"}'
    [comment] = read_comments(SCRIPT.format(node).encode())
    assert comment.parent_id is None


def test_readers_may_repeat_each_other_within_one_kind_of_marks():
    text = COMMENT.format("Comment", "")
    assert len(list(read_comments((text * 2).encode()))) == 2


def test_headings_of_earlier_comments_are_quotations():
    page = (
        "1. At 14:02 on 05 Jul 2010, ada wrote:\n\nFirst.\n\n"
        "2. At 14:03 on 05 Jul 2010, bea wrote:\n\n"
        "1. At 14:02 on 05 Jul 2010, ada wrote:\nQuoted.\n"
    )
    assert [comment.id for comment in read_comments(page.encode())] == ["1", "2"]
