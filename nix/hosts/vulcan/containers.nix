# vulcan's containers. docs/host/containers.md says for each why it is where it is.
let
  # Which image exactly, to be filled in: nobody can know here which one you have tried.
  # `skopeo inspect --format '{{.Digest}}' docker://IMAGE:TAG` tells it, as sha256:… with 64
  # digits. A container without one does not run, and /etc/watchstander/containers.json says so.
  digests = {
    organizr = null;
    wallabag = null;
    sillytavern = null;
    litellm = null;
  };
in
{
  watchstander.containers = {
    enable = true;
    scan.enable = true;
    apps = {
      organizr = {
        image = "ghcr.io/organizr/organizr";
        digest = digests.organizr;
        ports = [{ host = 8081; container = 80; }];
        volumes = [ "organizr:/config" ];
        # Port 80 is its own network's, and still one below 1024.
        capabilities = [ "CHOWN" "NET_BIND_SERVICE" "SETGID" "SETUID" ];
        memory = "512m";
      };
      wallabag = {
        image = "docker.io/wallabag/wallabag";
        digest = digests.wallabag;
        ports = [{ host = 8082; container = 80; }];
        volumes = [ "wallabag-images:/var/www/wallabag/web/assets/images" ];
        environmentFiles = [ "/run/secrets/wallabag.env" ];
        capabilities = [ "CHOWN" "NET_BIND_SERVICE" "SETGID" "SETUID" ];
        memory = "1g";
      };
      sillytavern = {
        image = "ghcr.io/sillytavern/sillytavern";
        digest = digests.sillytavern;
        ports = [{ host = 8083; container = 8000; }];
        volumes = [ "sillytavern-config:/home/node/app/config" "sillytavern-data:/home/node/app/data" ];
        memory = "1g";
      };
      litellm = {
        image = "ghcr.io/berriai/litellm";
        digest = digests.litellm;
        ports = [{ host = 4000; container = 4000; }];
        environmentFiles = [ "/run/secrets/litellm.env" ];
        memory = "2g";
        cpus = "2.0";
      };
    };
    exceptions = {
      wallabag.writableRoot = "it compiles its templates into its own tree at each start";
      nginx.hostUsers = "it binds ports 80 and 443 of the host's network, which a container with users of its own cannot";
    };
  };

  # The proxy: stateless, and so a NixOS container. Its sites are yours to add; the host needs
  # to know one thing of it: that it answers on 8480 (units.nix). Grafana's proxy is the host's own
  # nginx, which has 80 and 443 of all addresses: before you add sites here, give one of the two
  # addresses of its own (listenAddresses, services.nginx.defaultListenAddresses).
  containers.nginx = {
    autoStart = true;
    ephemeral = true;
    config = {
      services.nginx = {
        enable = true;
        recommendedTlsSettings = true;
        virtualHosts."localhost" = {
          listen = [{ addr = "127.0.0.1"; port = 8480; }];
          locations."= /healthz".return = "200";
        };
      };
      system.stateVersion = "25.05";
    };
  };
}
