# The example host as a whole.
{ lib, evaluate, broken, ... }:
let
  vulcan = evaluate [ ../../hosts/vulcan ];
in
{
  holds = {
    "it is vulcan" = vulcan.networking.hostName == "vulcan";
    # Without them NixOS builds no system, so that `nix flake check` and the VM had nothing.
    "it has what it boots from" = vulcan.fileSystems ? "/" && vulcan.boot.loader.grub.device == "nodev" && vulcan.boot.loader.grub.efiSupport;
    "every assertion holds" = broken vulcan == [ ];
    # The root's certificate is for who has one to fill in (hosts/vulcan/stepca.nix).
    "nothing is warned of, but what is to be filled in" = lib.all (lib.hasPrefix "watchstander.stepCa.rootCertificate is not given") vulcan.warnings;
  };
}
