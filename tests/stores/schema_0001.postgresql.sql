CREATE TABLE comment (
    key VARCHAR(32) NOT NULL,
    article_key TEXT NOT NULL,
    source_id TEXT NOT NULL,
    source_parent_id TEXT,
    number INTEGER,
    article_id TEXT,
    article_title TEXT,
    author TEXT,
    text TEXT,
    created_at TIMESTAMP WITH TIME ZONE,
    captured_at TIMESTAMP WITH TIME ZONE,
    positive_votes INTEGER,
    negative_votes INTEGER,
    rating INTEGER,
    status VARCHAR(16),
    removal_reason TEXT,
    highlighted BOOLEAN NOT NULL,
    label INTEGER,
    source TEXT NOT NULL,
    decision_id INTEGER,
    CONSTRAINT pk_comment PRIMARY KEY (key)
);
CREATE INDEX ix_comment_parent ON comment (article_key, source_parent_id);
CREATE INDEX ix_comment_place ON comment (article_key, source_id);
CREATE TABLE score (
    comment_key VARCHAR(32) NOT NULL,
    attribute VARCHAR(64) NOT NULL,
    model_version VARCHAR(64) NOT NULL,
    value DOUBLE PRECISION NOT NULL,
    CONSTRAINT pk_score PRIMARY KEY (comment_key, attribute, model_version),
    CONSTRAINT fk_score_comment_key_comment FOREIGN KEY(comment_key) REFERENCES comment (key)
);
CREATE INDEX ix_score_order ON score (model_version, attribute, value);
CREATE TABLE decision (
    id SERIAL NOT NULL,
    comment_key VARCHAR(32) NOT NULL,
    action VARCHAR(16) NOT NULL,
    house_rule VARCHAR(64),
    decided_by TEXT NOT NULL,
    decided_at TIMESTAMP WITH TIME ZONE NOT NULL,
    score DOUBLE PRECISION,
    model_version VARCHAR(64),
    policy_rule TEXT,
    overrules_id INTEGER,
    undoes_id INTEGER,
    CONSTRAINT pk_decision PRIMARY KEY (id),
    CONSTRAINT fk_decision_comment_key_comment FOREIGN KEY(comment_key) REFERENCES comment (key),
    CONSTRAINT fk_decision_overrules_id_decision FOREIGN KEY(overrules_id) REFERENCES decision (id),
    CONSTRAINT uq_decision_undoes_id UNIQUE (undoes_id),
    CONSTRAINT fk_decision_undoes_id_decision FOREIGN KEY(undoes_id) REFERENCES decision (id)
);
CREATE INDEX ix_decision_decided_by ON decision (decided_by);
CREATE INDEX ix_decision_comment_key ON decision (comment_key);
