package store

import (
	"encoding/json"
	"time"

	"watchstander/bot"
)

const episodeColumns = `id, thread, number, fingerprint, starts_at, ends_at, resolved, ended, doubt, severity, labels, annotations, generator_url, silenced_by, inhibited_by, muted_by, absent, first_at, changed_at, mark, silenced_for, silenced_since`

func scanEpisode(row scanner) (e bot.Episode, err error) {
	var starts, ends, resolved, doubt, first, changed, silencedFor, silencedSince int64
	var labels, annotations, silenced, inhibited, muted []byte
	err = row.Scan(&e.ID, &e.Thread, &e.Number, &e.Fingerprint, &starts, &ends, &resolved, &e.Ended, &doubt, &e.Severity,
		&labels, &annotations, &e.GeneratorURL, &silenced, &inhibited, &muted, &e.Absent, &first, &changed, &e.Mark,
		&silencedFor, &silencedSince)
	if err != nil {
		return e, err
	}
	e.StartsAt, e.EndsAt, e.FirstAt, e.ChangedAt = moment(starts), moment(ends), moment(first), moment(changed)
	e.Resolved, e.Doubt = resolved == 1, doubt == 1
	e.SilencedFor, e.SilencedSince = time.Duration(silencedFor)*time.Millisecond, moment(silencedSince)
	for _, x := range []struct {
		data []byte
		to   any
	}{{labels, &e.Labels}, {annotations, &e.Annotations}, {silenced, &e.SilencedBy}, {inhibited, &e.InhibitedBy}, {muted, &e.MutedBy}} {
		if err := json.Unmarshal(x.data, x.to); err != nil {
			return e, err
		}
	}
	return e, nil
}

// PutEpisode writes an episode with this transaction's mark.
func (t *Tx) PutEpisode(e bot.Episode) error {
	return t.exec(`INSERT INTO episodes (`+episodeColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
		ON CONFLICT (id) DO UPDATE SET ends_at = excluded.ends_at, resolved = excluded.resolved, ended = excluded.ended,
			doubt = excluded.doubt, severity = excluded.severity, labels = excluded.labels, annotations = excluded.annotations,
			generator_url = excluded.generator_url, silenced_by = excluded.silenced_by, inhibited_by = excluded.inhibited_by,
			muted_by = excluded.muted_by, absent = excluded.absent, changed_at = excluded.changed_at, mark = excluded.mark,
			silenced_for = excluded.silenced_for, silenced_since = excluded.silenced_since`,
		e.ID, e.Thread, e.Number, e.Fingerprint, millis(e.StartsAt), millis(e.EndsAt), flag(e.Resolved), e.Ended, flag(e.Doubt), e.Severity,
		e.Labels.Canonical(), e.Annotations.Canonical(), e.GeneratorURL, list(e.SilencedBy), list(e.InhibitedBy), list(e.MutedBy),
		e.Absent, millis(e.FirstAt), millis(e.ChangedAt), t.mark, e.SilencedFor.Milliseconds(), millis(e.SilencedSince))
}

func list(s []string) string {
	if len(s) == 0 {
		return "[]"
	}
	b, _ := json.Marshal(s) // strings always marshal
	return string(b)
}

// Episodes lists all episodes of a thread in the order of their numbers and
// starts.
func (t *Tx) Episodes(thread bot.ThreadID) ([]bot.Episode, error) {
	return all(t, scanEpisode, `SELECT `+episodeColumns+` FROM episodes WHERE thread = $1 ORDER BY number, starts_at`, thread)
}

// LiveEpisodes lists all episodes that are not over, by thread.
func (t *Tx) LiveEpisodes() ([]bot.Episode, error) {
	return all(t, scanEpisode, `SELECT `+episodeColumns+` FROM episodes WHERE resolved = 0 ORDER BY thread, number, starts_at`)
}

const youngEpisodes = `SELECT ` + episodeColumns + ` FROM episodes WHERE resolved = 0 AND first_at >= $1 AND starts_at >= $1 ORDER BY thread, number, starts_at`

// YoungEpisodes lists the episodes that are not over and began at since or later, by
// thread.
func (t *Tx) YoungEpisodes(since time.Time) ([]bot.Episode, error) {
	return all(t, scanEpisode, youngEpisodes, millis(since))
}

const endedEpisodes = `SELECT ` + episodeColumns + ` FROM episodes WHERE resolved = 1 AND ends_at >= $1 ORDER BY ends_at DESC, id LIMIT $2`

// EndedEpisodes lists at most limit episodes that were over at since or later, the last
// to end first.
func (t *Tx) EndedEpisodes(since time.Time, limit int) ([]bot.Episode, error) {
	return all(t, scanEpisode, endedEpisodes, millis(since), limit)
}

const knownSince = `SELECT COALESCE(MIN(at), 0) FROM (SELECT MIN(at) AS at FROM journal UNION ALL SELECT MIN(made) FROM threads) AS known`

// KnownSince is when the journal began or the oldest thread was made, whichever was
// first: before it the state knows of nothing. Zero when it holds neither.
func (t *Tx) KnownSince() (time.Time, error) {
	ms, _, err := one(t, number, knownSince)
	return moment(ms), err
}

// Those that are over are found by their end: an index by the start would be read from its
// beginning on.
const episodesIn = `SELECT ` + episodeColumns + ` FROM (
		SELECT ` + episodeColumns + ` FROM episodes WHERE resolved = 0 AND starts_at < $1
		UNION ALL SELECT ` + episodeColumns + ` FROM episodes WHERE resolved = 1 AND ends_at >= $2 AND starts_at < $1
	) AS fired ORDER BY starts_at, id LIMIT $3`

// EpisodesIn lists the episodes that fired at some time in [from, to), the oldest start
// first, at most limit.
func (t *Tx) EpisodesIn(from, to time.Time, limit int) ([]bot.Episode, error) {
	return all(t, scanEpisode, episodesIn, millis(to), millis(from), limit)
}

// WorstEpisodes lists at most limit episodes of a thread for people: of each
// alert the newest, firing ones first, the worst first.
func (t *Tx) WorstEpisodes(thread bot.ThreadID, limit int) ([]bot.Episode, error) {
	return all(t, scanEpisode, `SELECT `+episodeColumns+` FROM episodes e WHERE thread = $1
			AND starts_at = (SELECT MAX(starts_at) FROM episodes n WHERE n.thread = e.thread AND n.fingerprint = e.fingerprint)
		ORDER BY resolved, CASE WHEN silenced_by = '[]' AND inhibited_by = '[]' AND muted_by = '[]' THEN 0 ELSE 1 END,
			`+rank("severity")+` DESC, starts_at, number LIMIT $2`, thread, limit)
}

// CountEpisodes counts a thread's episodes: of each alert the newest.
func (t *Tx) CountEpisodes(thread bot.ThreadID) (bot.EpisodeCounts, error) {
	c, _, err := one(t, func(row scanner) (c bot.EpisodeCounts, err error) {
		var since, end int64
		err = row.Scan(&c.Firing, &c.Silenced, &c.Inhibited, &c.Resolved, &c.Moved, &c.Doubt, &since, &end)
		c.Since, c.LastEnd = moment(since), moment(end)
		return c, err
	}, `SELECT
			COALESCE(SUM(CASE WHEN resolved = 0 AND silenced_by = '[]' AND muted_by = '[]' AND inhibited_by = '[]' THEN 1 ELSE 0 END), 0),
			COALESCE(SUM(CASE WHEN resolved = 0 AND (silenced_by <> '[]' OR muted_by <> '[]') THEN 1 ELSE 0 END), 0),
			COALESCE(SUM(CASE WHEN resolved = 0 AND silenced_by = '[]' AND muted_by = '[]' AND inhibited_by <> '[]' THEN 1 ELSE 0 END), 0),
			COALESCE(SUM(resolved), 0),
			COALESCE(SUM(CASE WHEN resolved <> 0 AND ended = 'move' THEN 1 ELSE 0 END), 0),
			COALESCE(SUM(CASE WHEN resolved = 0 THEN doubt ELSE 0 END), 0),
			COALESCE(MIN(CASE WHEN resolved <> 0 THEN NULL WHEN starts_at > first_at THEN first_at ELSE starts_at END), 0),
			COALESCE(MAX(ends_at), 0)
		FROM episodes e WHERE thread = $1
			AND starts_at = (SELECT MAX(starts_at) FROM episodes n WHERE n.thread = e.thread AND n.fingerprint = e.fingerprint)`, thread)
	return c, err
}
