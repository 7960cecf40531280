"""The render API from the server's side (extra ``server``): the contract that the hosted service speaks."""
