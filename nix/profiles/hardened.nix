# The baseline, and what may be felt: settings of the kernel, accounts that are the configuration's
# alone. AppArmor's profiles are enforced, and audit is made full, one by one on the host
# (docs/host/security.md): no profile can know which of them have been quiet.
{ lib, ... }:
let inherit (lib) mkDefault; in
{
  imports = [ ./baseline.nix ../modules/kernel.nix ];

  watchstander.kernel.enable = mkDefault true;

  security.sudo.execWheelOnly = mkDefault true;
  services.openssh.settings.AllowTcpForwarding = mkDefault false;
}
