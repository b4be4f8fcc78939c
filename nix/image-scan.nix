# A look for known holes in images (trivy), by a timer: in those that run (watchstander.containers),
# and in those that lie in the registry (watchstander.registry). What a module needs beyond this, or
# not, it says in `service`.
{ lib, pkgs, textfiles }:
{ name, description, startAt, after ? [ ], from, programs ? [ ], figures, service }:
let
  state = "/var/lib/${name}";
  cache = "/var/cache/${name}";
in
{
  systemd.services.${name} = {
    inherit description;
    wants = [ "network-online.target" ];
    after = [ "network-online.target" ] ++ after;
    restartIfChanged = false;
    # An image is larger than a /tmp in memory.
    environment = { HOME = cache; TMPDIR = cache; };
    serviceConfig = import ./confined.nix // {
      Type = "oneshot";
      ExecStart = "${import ./script.nix { inherit lib pkgs; } "image-scan" ([ pkgs.coreutils pkgs.curl pkgs.gnugrep pkgs.jq pkgs.trivy ] ++ programs)} ${from} ${state} ${cache} ${textfiles}/${figures}";
      StateDirectory = name;
      CacheDirectory = name;
      ReadWritePaths = [ textfiles ];
      TimeoutStartSec = "3h";
      MemoryMax = "4G";
      Nice = 19;
      IOSchedulingClass = "idle";
      UMask = "0022";
    } // service;
  };
  systemd.timers.${name} = {
    inherit description;
    wantedBy = [ "timers.target" ];
    timerConfig = { OnCalendar = startAt; Persistent = true; RandomizedDelaySec = "1h"; };
  };
  watchstander.textfile.enable = true;
  watchstander.alerts.files.containers = ./alerts/containers.yaml;
}
