package commands

import (
	"strings"
	"testing"
)

// People talking to each other.
var chat = []string{
	"cancel the meeting", "cancel my coffee, please", "confirm that with bob", "Confirm the date with the customer today", "approve the pull request please", "approve of it", "deny everything",
	"statement from the press office", "approvals take ages around here", "approved", "denied!",
	"", " ", "ok", "OK", "thanks", "Thanks!", "thx", "good morning", "back", "Back in 5", "state", "stats", "alert", "Alert!",
	"help me", "Help me please", "help is on the way", "help with the backup would be nice", "Help needed at the datacenter today",
	"helps a lot", "hell no", "held", "heap dump", "status?", "Status?", "status: all green", "status is green", "Status looks good now",
	"status on the deploy from yesterday", "status quo", "state of affairs", "static", "starts at 9", "stairs",
	"alerts are quiet", "Alerts went quiet around noon", "alert john", "alarms", "alerts!", "agents", "Albert",
	"graph looks fine to me", "graphs", "Graph from yesterday was weird", "grape", "plot twist", "Plot twist: it was DNS",
	"silence is golden", "Silence please", "silent", "since 2h", "since yesterday", "science", "silenced 2h ago", "mute me",
	"ack, will do", "act", "ask bob", "acks are nice", "back to work", "pack it up", "unpack", "snack", "knack",
	"whom", "whoa", "who", "lol", "+1", "👍", "?", "??", "? anybody", "!!!", "!", "!= 5", "hm",
	"al said so", "Al is on call", "st patrick's day", "St. Pauli", "ls -la", "a", "h", "s", "al\nis here", "hello\nstatus",
	"watchstander is slow today", "Watchstander was down", "ws is fine", "watchstander's log", "wsl2 is broken", "news", "was",
	"\"status\"", "`status`", "can you silence it for 2h", "please ack", "I will ack it", "the status is fine", "statuses",
	"yes", "no", "sure", "on it", "looking", "done", "deploying now", "deploy it", "deploy now please", "Deploy went fine", "deploy is at 5", "deployed", "delay", "who restarted vulcan?", "brb", "rebooting mars", "https://example.org/status",
	"Status\n\nAll systems nominal", "unlock the door", "sciences", "unsilenced",
	"generation", "generations of admins have wondered", "Generations to come will know", "generators", "diff is huge", "Diff looks good", "draft", "drifts", "drifting along",
	"drift is normal", "diff of the two, please", "rollback failed", "Rollback done", "rollback worked", "rollback is a good idea", "rollback plan looks fine", "Rollback, anyone?",
	"service is down", "service down", "Service degraded", "service outage", "service outage on mars", "service nginx is down", "service nginx down", "service level", "service level agreement", "service?",
	"service window tonight", "service restored", "service was slow", "services", "services are up", "services nginx", "server", "servers down", "serving", "sevice down",
	"service restart needed", "service restart tonight", "service restart fixed it", "Service restart went fine", "service restarted", "service restarts",
	"logs attached", "Logs attached", "logs are full", "logs show nothing", "logs look fine", "logs please", "logs?", "Logs: attached", "logs from nginx", "logs below", "logs of nginx please",
	"logs incoming", "log", "log it", "log nginx", "lots more", "loss of power", "legs hurt", "logs nginx attached",
	"changes since yesterday", "changes merged", "changes look good", "Changes requested", "changes are in", "changes to nginx", "changes needed", "change", "changed", "change it", "charges", "chances",
	"noise it", "noise is all we get", "noise again", "noise from the fans", "Noises", "noise 3 times",
	"channel", "channels", "charger", "changes\nand more", "zfs", "ZFS is great", "zfs status is fine", "zfs arc is too small", "zfs arc set to 32G yesterday", "zfs send is slow", "arc",
	"backup", "Backup", "backups", "backup is running", "Backup failed", "backup status is green", "backup status ok", "Backup status looks fine", "backup status?", "backup the database first", "back up now",
	"backup verify failed", "Backup verify is still running", "backup verify took six hours", "backup verify tonight, please", "backup verified", "backup verify?", "backup run finished", "backup run failed again",
	"backup run took 3 hours", "Backup run is slow", "backup run twice a day", "backup runs", "backup restored", "backup 3 of 4 done", "backup 321 is a rule", "backup of b2", "backup plan", "bakcup status",
	"done!", "done with it", "Done for today", "undone", "skip it", "skip lunch today", "Skip the meeting", "comment on the pull request", "comments are welcome", "assign it to bob", "assigned", "defer to bob", "deferred",
	"do it", "do you know", "do", "recheck it please", "checklist for the move", "checklists", "checklist is long", "schedule a meeting", "schedule looks good", "scheduled", "schedules", "skip", "defer", "assign", "comment",
	"runbook is outdated", "Runbook needs love", "runbook please", "runbook for the disk", "runbook attached", "runbook?", "runbooks are outdated", "runbooks need love", "runbook says to restart it", "runbook updated",
	"rollback to what", "rolling back", "roll it back", "rollbacks are scary", "fallback",
}

// Lines for the bot that nobody addressed to it.
var orders = []string{
	"backup status", "Backup status", "backup status on vulcan", "backup 321", "backup 3-2-1", "backup verify", "backup verify b2", "Backup verify b2 usb", "backup verify b2 part 3/12", "backup verify --part 3/12",
	"backup verify b2 usb!", "backup run b2", "backup run b2 on vulcan", "backup run", "help backup",
	"checklist", "Checklist", "checklist daily", "checklist 3", "checklist 3 of weekly", "done 3", "Done 3", "done #3", "done 3.", "done 3 of weekly", "done 3 because all is well", "undone 3", "skip 4 because of it", "skip 4",
	"defer 5 until monday because of it", "defer 5 3d because bob is away", "defer 5", "defer until monday because the disk comes then", "comment 3 two panels are empty", "assign 3 bob", "assign 3 me", "recheck", "recheck 3", "do 4",
	"schedule", "Schedule", "schedule run daily", "schedule pause daily because of the holidays", "schedule pause daily until 2026-12-27 because of it", "schedule resume daily",
	"approvals", "approvals pln_K7QF", "approve pln_K7QF2M", "approve K7QF2M", "approve pln_K7QF2M 123456", "approve", "approve 123456", "deny pln_K7QF2M because it is late", "deny because it is late",
	"cancel", "cancel pln_K7QF2M", "confirm", "confirm pln_K7QF2M", "statement pln_K7QF2M", "approve pln_K7QF2M pls", "approve pln_K7QF2M\n-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----",
	"status", "Status", "st", "St", "help", "Help", "help silence", "help stauts", "help zfs arc", "whoami", "Whoami",
	"alerts", "Alerts", "al", "alerts all", "alerts find disk vulcan", "alerts thr_ABCD", "al find disk", "alerts ABCD", "al thr_ABCD2345",
	"graph", "graph #2", "graph up", "graph up over 12h", "graph rate(node_cpu_seconds_total[5m])", "plot up{job=\"node\"}", "graph thr_ABCD",
	"ack", "Ack", "ack looking into it", "ack is being fixed", "Ack I'm on it", "ack thr_ABCD on it", "unack", "unack thr_ABCD",
	"silence 2h", "Silence 2h", "silence 2x", "silence #1 2h", "silence all 2h", "silence for 2h", "silence until 18:00", "silence two hours because of the disk",
	"silence {alertname=\"X\"} 2h", "mute 1h", "Mute 1h", "silence", "unsilence", "unmute", "unsilence 5d3f9a", "silences", "silences all",
	"!status", "! status", "!stauts", "!foo", "!help me", "!?", "!what is this", "ws status", "ws: status", "Ws, status", "ws", "WS status",
	"watchstander status", "watchstander: is it on?", "Watchstander, status", "watchstander stauts", "watchstander", "ws foo",
	"stauts", "Stauts", "statsu", "satus", "sttaus", "alrets", "hlep", "Hlep", "hepl silence", "whoamy", "grpah up{}", "silnce 2h", "slience 2h", "unslience",
	"cak", "akc", "unakc", "silencse",
	"silence\n2h", "ack\nreplacing the disk",
	"generations", "Generations", "generations all", "gens all", "generatoins", "diff", "Diff", "diff 41 42", "diff 41", "diff booted current", "diff 41 42 on vulcan", "drift", "drift on vulcan",
	"zfs status", "Zfs status", "zfs arc", "ZFS arc", "zfs status on vulcan", "zfs arc set max 32G min 4G", "zfs arc set --max 32G", "zfs arc set 32G", "zfs arc set",
	"service nginx", "Service nginx", "service nginx.service", "service restic-backup.timer", "service nginx on vulcan", "service getty@tty1", "service",
	"service restart nginx", "Service restart nginx", "service restart nginx now", "service restart restic-backup.service", "service restart",
	"logs nginx", "Logs nginx", "logs nginx 50", "logs sshd.service 100", "logs nginx on vulcan", "logs", "changes", "Changes", "changes 6", "changes 3d", "changes on vulcan", "changes 24 on vulcan", "noise", "Noise", "noise 1d", "noise 30 days",
	"runbook", "Runbook", "runbooks", "runbook all", "runbook disk-full", "Runbook disk full", "runbook zfs arc", "runbook rollback act", "runbook DiskFull", "runbook #2", "runbook rolback", "runbook act",
	"deploy", "Deploy", "deploy on vulcan", "rollback", "Rollback", "rollback 41", "Rollback 41", "rollback 41 on vulcan", "rolback 41", "rollback fortyone",
}

func TestMeant(t *testing.T) {
	i := New(All())
	for _, line := range chat {
		if i.Meant(line, false) {
			t.Errorf("%q is talk, and was taken for an order", line)
		}
	}
	for _, line := range orders {
		if !i.Meant(line, false) {
			t.Errorf("%q is an order, and was taken for talk", line)
		}
	}
	for _, line := range append(chat, orders...) {
		if want := strings.TrimSpace(line) != ""; i.Meant(line, true) != want {
			t.Errorf("%q addressed to the bot: got %v", line, !want)
		}
	}
}

// A lone common word must never be taken for a misspelt name.
func TestMeantCommonWords(t *testing.T) {
	i := New(All())
	for word := range strings.FieldsSeq(commonWords) {
		for _, w := range []string{word, strings.ToUpper(word[:1]) + word[1:], word + " it", word + " now please"} {
			if i.Meant(w, false) {
				t.Errorf("%q was taken for an order", w)
			}
		}
	}
}

const commonWords = `able about above accept access account acid acorn across action actor acts actual add address admin admit adult
advice affect after again against age agent agents ago agree ahead aid aim air alarm alas album alert alerted alien alike alive all allow
almost alone along already also alter alters always am among amount an and anger angle angry animal answer any apart apple apply april are area
argue arm army around arrive art as ask asset assets at attack audit august aunt avert average avoid awake aware away baby back bad bag ball
bank bar base basic bath be bear beat because bed been before begin behind being below best better between big bill bird bit black block
blood blue board boat body book born both bottom box boy branch bread break bring broken brother brown build burn bus busy but buy by cake
call calm came can car card care carry case cash cat catch cause change charge chart cheap check choice church city claim class clean clear
clerk clock close clothes cloud coat coffee cold color come common cook cool copy cost could count country course cover crash cross cry cup cut
dark data date day dead deal dear death deep delay desk did die dinner disk do doctor dog done door double down draft draw dream dress
drink drive drop dry due during each ear early earth east easy eat effect egg eight either elect elects else empty end enemy engine enjoy
enough enter equal error escape essence even event ever every exact example except excuse expect eye face fact fail fair fall family far farm
fast father fear feed feel few field fight fill film final find fine finger finish fire first fish five fix floor fly follow food foot for
force forget form four fox free fresh friend from front fruit full fun game garden gate gave general get girl give glad glass go goat god gold
golden good goods got grab grace grade grain gram grand grant grape grapes grasp grass grave gray great green grey group grow guess gun had
hair half hall hand happen happy hard hat hate have he head heal health heap hear heart heat heavy height held hell hello helm helmet helper
her here hero hers hi high hill him his history hit hold hole home hope horse hot hotel hour house how huge human hundred hurt ice idea if ill
in ink inside into iron is island it item its jack job join joke jump just keep kept key kick kill kind king knew knock know lack lake lamp
land large last late later laugh law lay lead leaf learn least leave left leg less let letter level license lie life light like line lion list
listen little live load local log lonely long look lose lot loud love low luck lunch machine made mail main make male man many map mark market
match matter may me meal mean meat meet member men metal middle might mile milk mind mine minute miss mix model money month moon more morning
most mother mouse mouth move much music must my name near neck need never new news next nice night nine no none noon nor north nose
not note nothing now number ocean of off offer office often oil old on once one only open or orange order other ought our out outage over own
pack page paid pain paint pair paper park part party pass past patch pay peace pen people perhaps pick picture piece pin pink place plan plane
plant plate play please plenty point police poor post pound power press pretty price print prod prove pull push put queen quick quiet quit
quite rack radio rain raise ran rather reach read ready real reason reboot red release remember repeat reply rest restart result rice rich
ride right ring rise river road rock role roll room round row rule run sack sad safe said sail salt same sand sat saturn save saw say school
science sea seat second see seed seem self sell send sense sentence serve server set seven several shape share sharp she sheep sheet shelf
ship shirt shoe shop short should show side sign silent silk silly silver simple since sing sister sit site six size skill skin sky sleep slow
small smell smile smoke snack snow so soft some son song soon sorry sort sound soup south space speak special speed spend spoon sport spring
square stable stack stacks staff stage stages stain stains stair stairs stake stakes stall stamp stand standup stands star stare stars start
started starts stat state states static station stats statue statute stay stays steam step steps stick still stir stone stop store storm story
straight strange stream street strong student study stuff style such sudden sugar suit summer sun sure swap sweet swim table tack take talk
tall tax tea teach team tell ten test than thank that the their them then there these they thick thin thing think third this those though
three through throw thus ticket tie time tiny tire to today together told tomorrow tonight too took tool top total touch toward town track
trade train travel tree trip trouble true trust try turn twice two type uncle under unite unless unlock unpack until up upgrade upon us use
user usual valence value very view visit voice vote wait walk wall want war warm wash waste watch water way we weak wear weather week weight
well went were west wet what wheel when where which while white who whole whom whose why wide wife wild will win wind window wine winter wire
wish with without woman won wood word work world worry worth would write wrong yard year yellow yes yet you young your zero zone`
