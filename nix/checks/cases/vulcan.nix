# The example host as a whole.
{ lib, evaluate, broken, ... }:
let
  vulcan = evaluate [ ../../hosts/vulcan ];
  # Units of ours, and what they say of themselves; the registry's are not on vulcan.
  whole = evaluate [ ../../hosts/vulcan { watchstander.registry.enable = true; } ];
  core = lib.attrNames (import ../../confined.nix);
  ours = lib.filterAttrs
    (n: u: u.serviceConfig ? ExecStart && (lib.hasPrefix "watchstander" n || n == "nixos-config-build") || lib.hasPrefix "restic-backups-" n || n == "docker-registry")
    whole.systemd.services;
  unsaid = lib.concatLists (lib.mapAttrsToList (n: u: map (key: "${n} ${key}") (lib.filter (key: !(u.serviceConfig ? ${key})) core)) ours);
in
{
  holds = {
    # What a unit needs all the same it says.
    "each unit of ours says each line of confined.nix" = unsaid == [ ] && lib.length (lib.attrNames ours) > 15;
    "it is vulcan" = vulcan.networking.hostName == "vulcan";
    # Without them NixOS builds no system, so that `nix flake check` and the VM had nothing.
    "it has what it boots from" = vulcan.fileSystems ? "/" && vulcan.boot.loader.grub.device == "nodev" && vulcan.boot.loader.grub.efiSupport;
    "every assertion holds" = broken vulcan == [ ];
    "its authority is asked by its own name, and known to live for a day" =
      let ca = vulcan.watchstander.stepCa; probe = vulcan.watchstander.blackbox.probes.step-ca; in
      probe.target == "https://${lib.head ca.names}:${toString ca.port}/health" && probe.shortLived;
    "what is probed on the web is what its proxy serves" =
      lib.any (name: lib.hasPrefix "https://${name}/" vulcan.watchstander.blackbox.probes.web.target) (lib.attrNames vulcan.services.nginx.virtualHosts);
    # The root's certificate is for who has one to fill in (hosts/vulcan/stepca.nix), and so are people's keys.
    "nothing is warned of, but what is to be filled in" = lib.all (w: lib.hasPrefix "watchstander.stepCa.rootCertificate is not given" w || lib.hasInfix "locked out by the switch" w) vulcan.warnings;
  };
}
