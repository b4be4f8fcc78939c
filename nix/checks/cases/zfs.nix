# watchstander.zfs.
{ lib, evaluate, broken, tells, ... }:
let
  host = { watchstander.alerts.runbooks = "https://git.example.org/runbooks"; networking.hostId = "8425e349"; };
  of = zfs: evaluate [ host { watchstander = { inherit zfs; }; } ];
  some = {
    enable = true; pools = [ "rpool" "tank" ]; memory = 65536; arc = { min = 4096; max = 32768; };
    snapshots = { templates.standard.daily = 30; datasets."rpool/home" = "standard"; };
    compression.datasets."tank/archive" = "zstd";
  };
  on = of some;
  told = change: words: tells words (of (lib.recursiveUpdate some change));
  agents = evaluate [ host { watchstander.zfs = some; services.watchstander.agent.enable = true; } ];
  unit = on.systemd.services.watchstander-zfs-compression.serviceConfig;
in
{
  holds = {
    "nothing, unless it is enabled" = let off = of { }; in
      off.systemd.services == { } && off.boot.extraModprobeConfig == "" && !off.services.sanoid.enable && off.watchstander.alerts.files == { };
    "no assertion fails" = broken on == [ ];
    "the cache's bounds" = on.boot.extraModprobeConfig == "options zfs zfs_arc_max=34359738368 zfs_arc_min=4294967296";
    "one bound alone" = (of (lib.recursiveUpdate some { arc.min = null; })).boot.extraModprobeConfig == "options zfs zfs_arc_max=34359738368";
    "no bounds, and nothing is said to the module" = (of (some // { arc = { }; })).boot.extraModprobeConfig == "";
    "each pool is scrubbed" = on.services.zfs.autoScrub.pools == [ "rpool" "tank" ] && on.services.zfs.autoScrub.enable && on.services.zfs.autoScrub.interval == "monthly";
    "snapshots by a template" = on.services.sanoid.templates.standard.daily == 30
      && on.services.sanoid.datasets."rpool/home".use_template == [ "standard" ] && on.services.sanoid.datasets."rpool/home".recursive == true;
    "without datasets no sanoid" = !(of (some // { snapshots = { }; })).services.sanoid.enable;
    "the agent looks for the same" = agents.services.watchstander.agent.settings.zfs == { scrub_within = "35d"; snapshots = [ "rpool/home" ]; };
    "compression is compared, and not applied" = lib.hasSuffix " lz4 /var/lib/node-exporter-textfile rpool tank" unit.ExecStart
      && unit.DeviceAllow == [ "/dev/zfs rw" ] && unit.CapabilityBoundingSet == "";
    "not without being wanted" = !((of (lib.recursiveUpdate some { compression.check = false; })).systemd.services ? watchstander-zfs-compression);
    "alerts" = on.watchstander.alerts.files ? zfs && on.watchstander.alerts.files ? zfs-compression;
    "a floor that the kernel ignores" = told { arc.min = 4; } "arc.min is below 32 MiB";
    "a ceiling that the kernel ignores" = told { arc = { min = null; max = 32; }; } "arc.max is below 64 MiB";
    "a floor above the ceiling" = told { arc.min = 32768; } "arc.min is not below";
    "more than there is" = told { arc.max = 65536; } "not below the memory";
    "no hostId" = tells "networking.hostId" (evaluate [ host { watchstander.zfs = some; networking.hostId = lib.mkForce null; } ]);
    "no pools" = told { pools = lib.mkForce [ ]; } "pools is empty";
    "a dataset of no pool" = told { compression.datasets."attic/x" = "zstd"; } "attic/x: its pool";
    "a template that is none" = told { snapshots.datasets."tank/x" = "standrad"; } "names a template";
  };
  refused = {
    "a size with its unit" = (of (some // { arc.max = "32G"; })).watchstander.zfs.arc.max;
    "an algorithm that is none" = (of (some // { compression.default = "lz5"; })).watchstander.zfs.compression.default;
    "memory that nobody said" = (of (removeAttrs some [ "memory" ])).assertions;
    "a misspelt option" = (of (some // { pool = [ "tank" ]; })).watchstander.zfs.pools;
  };
}
