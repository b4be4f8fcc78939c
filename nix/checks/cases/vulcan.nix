# The example host as a whole.
{ lib, evaluate, broken, ... }:
let
  vulcan = evaluate [ ../../hosts/vulcan ];
in
{
  holds = {
    "it is vulcan" = vulcan.networking.hostName == "vulcan";
    "every assertion holds" = broken vulcan == [ ];
    # The root's certificate is for who has one to fill in (hosts/vulcan/stepca.nix), and so are people's keys.
    "nothing is warned of, but what is to be filled in" = lib.all (w: lib.hasPrefix "watchstander.stepCa.rootCertificate is not given" w || lib.hasInfix "locked out by the switch" w) vulcan.warnings;
  };
}
