# Whose failure on vulcan has evidence put away.
{
  watchstander.incident = { enable = true; onFailureOf = [ "postgresql" "step-ca" ]; };
}
