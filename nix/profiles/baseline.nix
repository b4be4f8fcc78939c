# What every host should have: its bounds, the way in, who did what, and a way back. Nothing here is
# noisy, and nothing stops a service: AppArmor complains, audit records the basics.
{ lib, ... }:
let inherit (lib) mkDefault; in
{
  imports = [
    ../modules/constraints.nix
    ../modules/generations.nix
    ../modules/ssh.nix
    ../modules/fail2ban.nix
    ../modules/audit.nix
    ../modules/apparmor.nix
    ../modules/compliance.nix
  ];

  watchstander = {
    constraints.enable = mkDefault true;
    generations.enable = mkDefault true;
    ssh.enable = mkDefault true;
    fail2ban.enable = mkDefault true;
    audit.enable = mkDefault true;
    apparmor.enable = mkDefault true;
    compliance.enable = mkDefault true;
  };
}
