"""HTTP as API Gateway delivers it: events, routes, endpoints, answers."""
