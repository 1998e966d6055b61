INSERT INTO comment
    (key, article_key, source_id, source_parent_id, number, article_id, article_title, author, text, created_at, captured_at, positive_votes, negative_votes, rating, status, removal_reason, highlighted, label, source, decision_id)
VALUES
    ('ea53c3ca52a7bb9a5055a372e85c51b0', 'https://courier.example/news/bridge', '1', NULL, 1, 'https://courier.example/news/bridge', NULL, 'A. Reader', 'The bridge opens in spring.', '2026-03-01 09:00:00.000000', '2026-03-01 12:00:00.000000', 4, 1, 3, 'published', NULL, FALSE, NULL, 'bbc_module', 3),
    ('c0488acc91569176d395cdbdc286a447', 'https://courier.example/news/bridge', '2', '1', 2, 'https://courier.example/news/bridge', NULL, 'B. Reader', 'It''s late, as it was last year; 🦭 ask the ferry.', '2026-03-01 10:00:00.000000', '2026-03-01 12:00:00.000000', NULL, NULL, NULL, 'pending', NULL, FALSE, NULL, 'bbc_module', NULL),
    ('8dad35a8aaaadf11f45019aa4c24ea4f', 'https://courier.example/news/bridge', '3', NULL, 3, 'https://courier.example/news/bridge', NULL, 'C. Seller', 'Buy tickets here, three for one.', NULL, '2026-03-01 12:00:00.000000', NULL, NULL, NULL, 'pending', NULL, FALSE, NULL, 'bbc_module', 4),
    ('27881c168e004b87e897aa7cff66454c', 'https://courier.example/news/bridge', '4', NULL, 4, 'https://courier.example/news/bridge', NULL, 'A. Reader', 'Three

other paragraphs.', NULL, '2026-03-02 12:00:00.000000', NULL, NULL, NULL, 'published', NULL, TRUE, NULL, 'bbc_module', NULL),
    ('f28d72240c5f139df2f8f982b85bd438', 'https://courier.example/news/bridge', '5', NULL, 5, 'https://courier.example/news/bridge', NULL, NULL, NULL, NULL, '2026-03-01 12:00:00.000000', NULL, NULL, NULL, 'removed', 'spam', FALSE, NULL, 'bbc_module', NULL),
    ('f4c2e5529889dd48be2c16ce46f2e5ef', 'https://courier.example/news/bridge', '6', NULL, 6, 'https://courier.example/news/bridge', NULL, NULL, 'Known to have stayed up.', NULL, '2026-03-01 12:00:00.000000', NULL, NULL, NULL, 'published', NULL, FALSE, 0, 'bbc_module', NULL),
    ('178abdb1b90f9c6068f2f5b8d7f2e3b7', 'https://courier.example/news/ferry', '1', NULL, 1, 'https://courier.example/news/ferry', NULL, 'D. Reader', 'The ferry runs on Sundays.', '2026-03-01 12:00:00.000000', '2026-03-01 12:00:00.000000', NULL, NULL, NULL, 'published', NULL, FALSE, NULL, 'bbc_module', 5),
    ('dd48486aafb62c91f3d9e87271f3f33a', 'https://courier.example/news/ferry', '2', NULL, 2, 'https://courier.example/news/ferry', NULL, 'B. Reader', 'Who steers it?', NULL, '2026-03-01 12:00:00.000000', NULL, NULL, NULL, 'published', NULL, FALSE, NULL, 'bbc_module', NULL);
INSERT INTO decision
    (id, comment_key, action, house_rule, decided_by, decided_at, score, model_version, policy_rule, overrules_id, undoes_id)
VALUES
    (1, '8dad35a8aaaadf11f45019aa4c24ea4f', 'remove', 'spam', 'anna', '2026-03-01 12:00:00.000000', 0.32, 'first-model', 'top tenth: LIKELY_TO_REJECT at or above 0.250, hold', NULL, NULL),
    (2, '8dad35a8aaaadf11f45019aa4c24ea4f', 'hold', NULL, 'anna', '2026-03-01 12:01:00.001111', NULL, NULL, NULL, NULL, 1),
    (3, 'ea53c3ca52a7bb9a5055a372e85c51b0', 'approve', NULL, 'anna', '2026-03-01 12:02:00.002222', 0.27, 'first-model', 'top tenth: LIKELY_TO_REJECT at or above 0.250, hold', NULL, NULL),
    (4, '8dad35a8aaaadf11f45019aa4c24ea4f', 'remove', 'spam', 'ben', '2026-03-01 12:03:00.003333', 0.3333333333333333, 'first-model', 'top tenth: LIKELY_TO_REJECT at or above 0.250, hold', NULL, NULL),
    (5, '178abdb1b90f9c6068f2f5b8d7f2e3b7', 'remove', 'other', 'ben', '2026-03-01 12:04:00.004444', NULL, NULL, NULL, NULL, NULL),
    (6, '178abdb1b90f9c6068f2f5b8d7f2e3b7', 'approve', NULL, 'anna', '2026-03-01 12:05:00.005555', NULL, NULL, NULL, 5, NULL),
    (7, '178abdb1b90f9c6068f2f5b8d7f2e3b7', 'remove', 'other', 'anna', '2026-03-01 12:06:00.006666', NULL, NULL, NULL, NULL, 6),
    (8, '27881c168e004b87e897aa7cff66454c', 'approve', NULL, 'clara', '2026-03-01 12:07:00.007777', NULL, NULL, NULL, NULL, NULL);
INSERT INTO score
    (comment_key, attribute, model_version, value)
VALUES
    ('ea53c3ca52a7bb9a5055a372e85c51b0', 'LIKELY_TO_REJECT', 'first-model', 0.27),
    ('c0488acc91569176d395cdbdc286a447', 'LIKELY_TO_REJECT', 'first-model', 0.48),
    ('8dad35a8aaaadf11f45019aa4c24ea4f', 'LIKELY_TO_REJECT', 'first-model', 0.32),
    ('178abdb1b90f9c6068f2f5b8d7f2e3b7', 'LIKELY_TO_REJECT', 'first-model', 0.26),
    ('dd48486aafb62c91f3d9e87271f3f33a', 'LIKELY_TO_REJECT', 'first-model', 0.14);
