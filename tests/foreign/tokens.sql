-- The access tokens that glewlwyd issued, as lines that counterfoil hunt reads: sqlite3 -readonly DB < tokens.sql
-- Set iss to the plugin's issuer. The table has no digest that a service could know, and not what a token was shown for.
SELECT json_object(
  'schema', 'counterfoil.issuance/1', 'log', 'glewlwyd', 'id', gpoa_id, 'iss', 'https://glewlwyd.example',
  'time', CAST(gpoa_issued_at AS TEXT), 'iat', CAST(gpoa_issued_at AS TEXT), 'jti', gpoa_jti,
  'sub', gpoa_username, 'client_id', gpoa_client_id, 'ip', gpoa_issued_for, 'user_agent', gpoa_user_agent
) FROM gpo_access_token WHERE gpoa_jti IS NOT NULL ORDER BY gpoa_id;
