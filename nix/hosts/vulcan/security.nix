# The plan's bounds of vulcan, its ports, and how far its hardening has come: the first phase.
# docs/host/security.md says what comes next, and after what.
{
  imports = [ ../../profiles/hardened.nix ];

  watchstander = {
    constraints = {
      stateVersion = "25.05";
      generations = 3;
      vpnInterfaces = [ "wg0" ];
      internalInterfaces = [ "podman0" ];
      ports = {
        ssh = { port = 22; reach = "limited"; };
        postgresql = { port = 5432; reach = "vpn"; };
        step-ca = { port = 8443; reach = "internal"; };
        prometheus = { port = 9090; reach = "local"; };
        node-exporter = { port = 9100; reach = "local"; };
      };
    };
    generations = { keep = 10; startAt = "Sun 12:00"; };
    # Who is on the VPN has a key to it; a client that is set up wrong must not keep everybody out.
    fail2ban.ignore = [ "10.100.0.0/24" ];
    audit.trees.configuration = "/etc/nixos";
    compliance.exceptions.accounts-declared = "alice changes her own password on the host, as sudo asks for it";
  };

  services.watchstander.agent.settings.security.ban_after = 5;
}
