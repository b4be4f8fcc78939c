# The example host as a whole.
{ lib, evaluate, broken, ... }:
let
  vulcan = evaluate [ ../../hosts/vulcan ];
in
{
  holds = {
    "it is vulcan" = vulcan.networking.hostName == "vulcan";
    "every assertion holds" = broken vulcan == [ ];
    "nothing is warned of" = vulcan.warnings == [ ];
  };
}
