package config

import (
	"reflect"
	"time"
)

// The structs of this file are all keys that the agent's file may have; keys.go
// tells how they are to be read.

type agentKeys struct {
	place
	Version     given[int]            `yaml:"version" need:"write version: 1"`
	Host        given[string]         `yaml:"host" need:"the name of this host, as the bot's file has it"`
	Zone        given[string]         `yaml:"zone"`
	Socket      given[string]         `yaml:"socket"`
	HumanSocket given[string]         `yaml:"human_socket"`
	State       given[string]         `yaml:"state"`
	BotUser     given[string]         `yaml:"bot_user"`
	BotUID      given[int]            `yaml:"bot_uid"`
	People      list[agentPersonKeys] `yaml:"people" need:"without people nobody can ask or agree"`
	Policy      list[policyKeys]      `yaml:"policy"`
	Standing    list[standingKeys]    `yaml:"standing"`
	Busy        list[given[string]]   `yaml:"busy_units"`
	NixOS       *nixosKeys            `yaml:"nixos"`
	ZFS         *zfsKeys              `yaml:"zfs"`
	Backup      *backupKeys           `yaml:"backup"`
	Certs       list[given[string]]   `yaml:"certificates"`
	Services    servicesKeys          `yaml:"services"`
	Security    *securityKeys         `yaml:"security"`
	Dumps       list[dumpKeys]        `yaml:"dumps"`
	Documents   *documentsKeys        `yaml:"documents"`
	Log         logKeys               `yaml:"log"`
}

type agentPersonKeys struct {
	place
	Name  given[string]       `yaml:"name" need:"the name of this person, as the bot's file has it"`
	Roles list[given[string]] `yaml:"roles"`
	UID   list[given[int]]    `yaml:"uid"`
	Keys  list[given[string]] `yaml:"ssh_keys"`
	Seed  given[string]       `yaml:"totp_seed_file"`
}

type policyKeys struct {
	place
	Name          given[string]        `yaml:"name" need:"people are told by it which rule let something through"`
	Operations    list[given[string]]  `yaml:"operations" need:"what the rule is for, as in [zfs.arc.set]"`
	Hosts         list[given[string]]  `yaml:"hosts"`
	Arguments     givenLists           `yaml:"arguments"`
	ArgumentsOnly given[bool]          `yaml:"arguments_only"`
	Risk          given[string]        `yaml:"risk" need:"low, medium or high"`
	Requesters    list[given[string]]  `yaml:"requesters" need:"the roles that may ask, as in [operator]"`
	Approvers     *approverKeys        `yaml:"approvers" need:"the roles that may agree, and how many people must, as in {roles: [approver], count: 1}"`
	StepUp        list[given[string]]  `yaml:"step_up"`
	ApproveWithin given[time.Duration] `yaml:"approve_within"`
	ValidFor      given[time.Duration] `yaml:"valid_for"`
	Windows       list[windowKeys]     `yaml:"windows"`
	Outside       given[string]        `yaml:"outside"`
	ConfirmWithin given[time.Duration] `yaml:"confirm_within"`
}

type approverKeys struct {
	place
	Roles           list[given[string]] `yaml:"roles" need:"the roles that may agree, as in [approver]"`
	Count           given[int]          `yaml:"count"`
	RequesterCounts given[bool]         `yaml:"requester_counts"`
}

type windowKeys struct {
	place
	Days  list[given[string]]  `yaml:"days"`
	From  given[Clock]         `yaml:"from"`
	To    given[Clock]         `yaml:"to"`
	Start given[string]        `yaml:"start"`
	Lasts given[time.Duration] `yaml:"lasts"`
	Zone  given[string]        `yaml:"zone"`
}

type standingKeys struct {
	place
	Name      given[string]       `yaml:"name" need:"the name that its uses are told under"`
	Operation given[string]       `yaml:"operation" need:"the one operation that it is for"`
	Host      given[string]       `yaml:"host"`
	Arguments givenLists          `yaml:"arguments"`
	When      list[given[string]] `yaml:"when" need:"the matchers of the alert that it answers, as in ['alertname=\"NginxDown\"']"`
	Budget    *budgetKeys         `yaml:"budget" need:"how often it may be used, as in {count: 2, per: 6h}"`
	Evidence  given[string]       `yaml:"evidence" need:"the reading that proves that it has helped, as in \"unit nginx.service\""`
	Expires   given[string]       `yaml:"expires" need:"the day on which it ends, as in \"2027-01-01\""`
}

type budgetKeys struct {
	place
	Count given[int]           `yaml:"count" need:"how many times"`
	Per   given[time.Duration] `yaml:"per" need:"within which span, as in 6h"`
}

type nixosKeys struct {
	place
	Loader       given[string]        `yaml:"loader"`
	StateVersion given[string]        `yaml:"state_version"`
	Keep         given[int]           `yaml:"keep_generations"`
	KeepFewer    given[bool]          `yaml:"keep_fewer"`
	Unmarked     given[bool]          `yaml:"allow_unmarked"`
	Settle       given[time.Duration] `yaml:"settle"`
	BuildLock    *buildLockKeys       `yaml:"build_lock"`
	Checks       list[checkKeys]      `yaml:"health_checks"`
	Stateful     list[given[string]]  `yaml:"stateful_packages"`
	Vulnix       *vulnixKeys          `yaml:"vulnix"`
	Build        *configBuildKeys     `yaml:"build"`
	Proposed     *proposedKeys        `yaml:"proposed"`
	OwnFiles     list[given[string]]  `yaml:"own_files"`
}

type proposedKeys struct {
	place
	Link   given[string] `yaml:"link" need:"the link to the system, as in /var/lib/watchstander-updates/proposed"`
	Report given[string] `yaml:"report"`
}

type configBuildKeys struct {
	place
	Unit   given[string]        `yaml:"unit" need:"the service that builds the configuration, as in nixos-config-build.service"`
	Result given[string]        `yaml:"result" need:"the link that it leaves (--out-link), as in /var/lib/nixos-config-build/result"`
	Commit given[string]        `yaml:"commit"`
	MaxAge given[time.Duration] `yaml:"max_age"`
}

type vulnixKeys struct {
	place
	Result given[string]        `yaml:"result" need:"the file into which vulnix --system --json is written"`
	MaxAge given[time.Duration] `yaml:"max_age"`
}

type buildLockKeys struct {
	place
	Path   given[string]        `yaml:"path" need:"the file or directory that builds lock"`
	Format given[string]        `yaml:"format" need:"how they lock it: flock, fcntl, pidfile or directory"`
	Wait   given[time.Duration] `yaml:"wait"`
}

type checkKeys struct {
	place
	Name    given[string]        `yaml:"name" need:"what people read when it does not hold"`
	Unit    given[string]        `yaml:"unit"`
	URL     given[string]        `yaml:"url"`
	Command list[given[string]]  `yaml:"command"`
	Limit   given[time.Duration] `yaml:"limit"`
}

type zfsKeys struct {
	place
	ARC         arcKeys              `yaml:"arc"`
	Capacity    given[int]           `yaml:"capacity_used"`
	Quota       given[int]           `yaml:"quota_used"`
	ScrubWithin given[time.Duration] `yaml:"scrub_within"`
	Snapshots   list[given[string]]  `yaml:"snapshots"`
}

type securityKeys struct {
	place
	BanAfter given[int] `yaml:"ban_after"`
}

type dumpKeys struct {
	place
	Name    given[string]        `yaml:"name" need:"people read it: dump NAME"`
	Files   given[string]        `yaml:"files" need:"where the dumps lie, as in /var/backup/postgresql/all.sql.gz; the last part may be a pattern"`
	MaxAge  given[time.Duration] `yaml:"max_age"`
	MinSize given[size]          `yaml:"min_size"`
}

type documentsKeys struct {
	place
	Git   given[string]      `yaml:"git"`
	Texts list[documentKeys] `yaml:"texts" need:"the documents, as in [{name: runbooks, files: [/etc/nixos/docs/*.md], work_tree: /etc/nixos}]"`
}

type documentKeys struct {
	place
	Name     given[string]        `yaml:"name" need:"people read it: document NAME"`
	Files    list[given[string]]  `yaml:"files" need:"the files, as in [/etc/nixos/docs/*.md]; the last part of each may be a pattern"`
	WorkTree given[string]        `yaml:"work_tree"`
	MaxAge   given[time.Duration] `yaml:"max_age"`
}

type arcKeys struct {
	place
	Max given[sizes] `yaml:"max"`
	Min given[sizes] `yaml:"min"`
}

type backupKeys struct {
	place
	Program      given[string]        `yaml:"program"`
	SearchPath   list[given[string]]  `yaml:"search_path"`
	Scratch      given[string]        `yaml:"scratch"`
	Repositories list[repositoryKeys] `yaml:"repositories" need:"where backups go; without one there is nothing to look after"`
	Datasets     list[datasetKeys]    `yaml:"datasets"`
	Drill        drillKeys            `yaml:"drill"`
	Check        backupCheckKeys      `yaml:"check"`
	Ask          backupAskKeys        `yaml:"ask"`
}

type repositoryKeys struct {
	place
	Name            given[string]        `yaml:"name" need:"the name that people read and type"`
	Repository      given[string]        `yaml:"repository"`
	RepositoryFile  given[string]        `yaml:"repository_file"`
	EnvironmentFile given[string]        `yaml:"environment_file"`
	PasswordFile    given[string]        `yaml:"password_file"`
	Medium          given[string]        `yaml:"medium"`
	OffSite         given[bool]          `yaml:"offsite"`
	Host            given[string]        `yaml:"host"`
	Unit            given[string]        `yaml:"unit"`
	Exclude         list[given[string]]  `yaml:"exclude"`
	MaxAge          given[time.Duration] `yaml:"max_age"`
	VerifyAge       given[time.Duration] `yaml:"verify_age"`
	RunTime         given[time.Duration] `yaml:"run_time"`
	LimitDownload   given[size]          `yaml:"limit_download"`
}

type datasetKeys struct {
	place
	Name   given[string]       `yaml:"name" need:"the name that people read"`
	Paths  list[given[string]] `yaml:"paths" need:"the directories that belong to it"`
	Medium given[string]       `yaml:"medium" need:"what it lies on, as in rpool"`
}

type drillKeys struct {
	place
	Files given[int]           `yaml:"files"`
	Bytes given[size]          `yaml:"bytes"`
	Time  given[time.Duration] `yaml:"time"`
}

type backupCheckKeys struct {
	place
	Parts    given[int]           `yaml:"parts"`
	Time     given[time.Duration] `yaml:"time"`
	LockWait given[time.Duration] `yaml:"lock_wait"`
}

type backupAskKeys struct {
	place
	Every  given[time.Duration] `yaml:"every"`
	AtMost given[time.Duration] `yaml:"at_most_every"`
	Time   given[time.Duration] `yaml:"time"`
}

type servicesKeys struct {
	place
	Restart list[given[string]] `yaml:"restart"`
	Logs    list[given[string]] `yaml:"logs"`
}

// givenLists is a mapping whose keys are the operator's: lists by name.
type givenLists struct {
	place
	set   bool
	names []string // in the file's order
	of    map[string]*list[given[string]]
}

func (g *givenLists) fill(j *judge, n *node, field string) {
	g.place, g.set = j.here(n, field), true
	if n.kind != mapping {
		j.fault(g.place, "must be a mapping from names to lists, not %s", n.kind)
		return
	}
	g.of = map[string]*list[given[string]]{}
	for _, e := range n.entries {
		here := place{e.line, e.column, join(field, e.key)}
		switch _, twice := g.of[e.key]; {
		case twice:
			j.fault(here, "the name stands twice: leave one of them out")
		case e.value == nil: // a fault already
		case e.value.kind == nothing:
			j.fault(here, "has no value: give it a list, or leave the name out")
		default:
			l := &list[given[string]]{}
			g.names, g.of[e.key] = append(g.names, e.key), l
			j.fill(e.value, reflect.ValueOf(l).Elem(), here.field)
		}
	}
}

// lists are the values that could be read.
func (g *givenLists) lists() map[string][]string {
	if len(g.of) == 0 {
		return nil
	}
	out := map[string][]string{}
	for name, l := range g.of {
		out[name] = texts(*l)
	}
	return out
}

// texts are the values of a list that could be read.
func texts(l list[given[string]]) []string {
	var out []string
	for _, g := range l.items {
		if g.ok {
			out = append(out, g.v)
		}
	}
	return out
}
