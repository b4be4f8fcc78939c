# The units of the example host that our modules define, as the text that systemd reads, for
# systemd-analyze: by name, with the paths of packages as they are.
tools:
let
  inherit (tools) lib;
  vulcan = tools.evaluate [ ../hosts/vulcan ];

  value = v: if v == true then "true" else if v == false then "false" else toString v;
  line = name: v:
    if v == null then [ ]
    else if builtins.isList v then (if v == [ ] then [ "${name}=" ] else map (x: "${name}=${value x}") v)
    else [ "${name}=${value v}" ];
  section = name: set: lib.optionals (set != { }) ([ "[${name}]" ] ++ lib.concatLists (lib.mapAttrsToList line set));

  words = {
    wants = "Wants"; requires = "Requires"; bindsTo = "BindsTo"; partOf = "PartOf"; after = "After"; before = "Before";
    conflicts = "Conflicts"; onFailure = "OnFailure";
  };
  of = kind: more: u: lib.concatStringsSep "\n" (
    section "Unit" ({ Description = u.description; }
      // lib.filterAttrs (_: v: v != [ ]) (lib.mapAttrs' (n: word: lib.nameValuePair word (lib.concatStringsSep " " u.${n})) (lib.filterAttrs (n: _: u.${n} != [ ]) words))
      // u.unitConfig)
    ++ section kind (more u)
    ++ [ "" ]
  );
  all = kind: suffix: more: units: lib.mapAttrs' (n: u: lib.nameValuePair "${n}.${suffix}" (of kind more u)) units;
in
all "Service" "service" (u: u.serviceConfig // lib.optionalAttrs (u.environment != { }) { Environment = lib.mapAttrsToList (n: v: ''"${n}=${v}"'') u.environment; })
  (lib.filterAttrs (_: u: u.serviceConfig ? ExecStart || u.script != "") vulcan.systemd.services)
// all "Timer" "timer" (u: u.timerConfig) vulcan.systemd.timers
// all "Socket" "socket" (u: u.socketConfig // lib.optionalAttrs (u.listenStreams != [ ]) { ListenStream = u.listenStreams; }) vulcan.systemd.sockets
