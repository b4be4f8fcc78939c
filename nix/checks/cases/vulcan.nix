# The example host as a whole.
{ lib, evaluate, broken, ... }:
let
  vulcan = evaluate [ ../../hosts/vulcan ];
in
{
  holds = {
    "it is vulcan" = vulcan.networking.hostName == "vulcan";
    "every assertion holds" = broken vulcan == [ ];
    "its authority is asked by its own name, and known to live for a day" =
      let ca = vulcan.watchstander.stepCa; probe = vulcan.watchstander.blackbox.probes.step-ca; in
      probe.target == "https://${lib.head ca.names}:${toString ca.port}/health" && probe.shortLived;
    "what is probed on the web is what its proxy serves" =
      lib.any (name: lib.hasPrefix "https://${name}/" vulcan.watchstander.blackbox.probes.web.target) (lib.attrNames vulcan.services.nginx.virtualHosts);
    # The root's certificate is for who has one to fill in (hosts/vulcan/stepca.nix).
    "nothing is warned of, but what is to be filled in" = lib.all (lib.hasPrefix "watchstander.stepCa.rootCertificate is not given") vulcan.warnings;
  };
}
