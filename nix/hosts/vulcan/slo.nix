# What is promised to the people of the house.
{
  watchstander.slo = {
    enable = true;
    levels = {
      web.objective = "99.5";
      step-ca.objective = "99.5";
      database = { objective = "99.9"; errors = "1 - avg(avg_over_time(pg_up[@window@]))"; };
    };
  };
}
