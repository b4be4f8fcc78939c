# The bot and its agent on this host. Rooms and people are examples: put your own here.
{
  services.watchstander = {
    enable = true;
    matrix = {
      homeserver = "https://matrix.example.org";
      user = "@watchstander:example.org";
      tokenFile = "/run/secrets/watchstander/matrix-token";
      room = "!abcdefghijklmnopqr:example.org";
    };
    operators.alice = "@alice:example.org";
    settings.prometheus.url = "http://127.0.0.1:9090";
    agent = {
      enable = true;
      operations = { "nixos.rollback" = true; "nixos.deploy" = true; "zfs.arc.set" = true; };
      settings = {
        zone = "America/Los_Angeles";
        # A single operator: their word counts alone, where the host itself vouches for it.
        people = [{ name = "alice"; roles = [ "operator" "approver" ]; uid = [ 1000 ]; }];
        policy = [
          {
            name = "systems";
            operations = [ "nixos.rollback" "nixos.deploy" ];
            risk = "high";
            requesters = [ "operator" ];
            approvers = { roles = [ "approver" ]; requester_counts = true; };
            step_up = [ "host" "ssh" ];
            confirm_within = "10m";
          }
          {
            name = "cache-sizes";
            operations = [ "zfs.arc.set" ];
            arguments = { max = [ "8GiB..48GiB" ]; min = [ "1GiB..8GiB" ]; };
            risk = "medium";
            requesters = [ "operator" ];
            approvers = { roles = [ "approver" ]; requester_counts = true; };
            step_up = [ "host" "ssh" ];
          }
        ];
        nixos = {
          loader = "grub";
          state_version = "25.05";
          keep_generations = 3;
          # What must hold after a rollback, and whose data does not go back with it.
          health_checks = [
            { name = "proxy"; url = "http://127.0.0.1:8480/healthz"; }
            { name = "database"; unit = "postgresql.service"; }
            { name = "ssh"; unit = "sshd.service"; }
          ];
          stateful_packages = [ "postgresql" ];
        };
        # The plan's documents, by when somebody wrote in them last.
        documents.texts = [
          { name = "overview"; files = [ "/etc/nixos/CLAUDE.md" ]; max_age = "365d"; }
          { name = "certificates"; files = [ "/etc/nixos/certs/CERTIFICATES.md" ]; max_age = "365d"; }
        ];
        # What may be read in a room. Not PostgreSQL's, which has people's data in it.
        services.logs = [ "container@nginx.service" "restic-backups-b2.service" "restic-backups-local.service" "sshd.service" "step-ca.service" ];
        zfs.arc = { max = "8GiB..48GiB"; min = "1GiB..8GiB"; };
      };
    };
  };
}
