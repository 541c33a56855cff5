-- A forge's database as version 1 left it: a group, a private project, a developer.
BEGIN TRANSACTION;
CREATE TABLE members (
	id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	namespace_id INTEGER, 
	project_id INTEGER, 
	access_level INTEGER NOT NULL, 
	expires_at DATE, 
	created_at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (user_id, namespace_id, project_id), 
	FOREIGN KEY(user_id) REFERENCES users (id), 
	FOREIGN KEY(namespace_id) REFERENCES namespaces (id), 
	FOREIGN KEY(project_id) REFERENCES projects (id)
);
INSERT INTO "members" VALUES(1,1,2,NULL,50,NULL,'2026-11-21 14:13:12.711426');
INSERT INTO "members" VALUES(2,2,NULL,1,30,NULL,'2026-11-21 14:13:12.830006');
CREATE TABLE namespaces (
	id INTEGER NOT NULL, 
	kind VARCHAR(10) NOT NULL, 
	path VARCHAR(255) NOT NULL, 
	full_path VARCHAR(1000) NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	description TEXT NOT NULL, 
	visibility VARCHAR(10) NOT NULL, 
	parent_id INTEGER, 
	owner_id INTEGER, 
	created_at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (full_path), 
	FOREIGN KEY(parent_id) REFERENCES namespaces (id), 
	FOREIGN KEY(owner_id) REFERENCES users (id)
);
INSERT INTO "namespaces" VALUES(1,'user','root','root','Administrator','','public',NULL,1,'2026-11-21 14:13:12.448468');
INSERT INTO "namespaces" VALUES(2,'group','genomics','genomics','Genomics','','public',NULL,NULL,'2026-11-21 14:13:12.710131');
INSERT INTO "namespaces" VALUES(3,'user','ada','ada','Ada','','public',NULL,2,'2026-11-21 14:13:12.722728');
CREATE TABLE projects (
	id INTEGER NOT NULL, 
	namespace_id INTEGER NOT NULL, 
	path VARCHAR(255) NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	description TEXT NOT NULL, 
	visibility VARCHAR(10) NOT NULL, 
	default_branch VARCHAR(255) NOT NULL, 
	topics TEXT NOT NULL, 
	creator_id INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	last_activity_at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (namespace_id, path), 
	FOREIGN KEY(namespace_id) REFERENCES namespaces (id), 
	FOREIGN KEY(creator_id) REFERENCES users (id)
);
INSERT INTO "projects" VALUES(1,2,'alphagenome','alphagenome','','private','main','rna',1,'2026-11-21 14:13:12.742041','2026-11-21 14:13:12.742057');
CREATE TABLE schema_version (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "schema_version" VALUES(1);
CREATE TABLE tokens (
	id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	scopes VARCHAR(255) NOT NULL, 
	impersonation BOOLEAN NOT NULL, 
	revoked BOOLEAN NOT NULL, 
	expires_at DATE, 
	created_at DATETIME NOT NULL, 
	last_used_at DATETIME, 
	PRIMARY KEY (id), 
	FOREIGN KEY(user_id) REFERENCES users (id), 
	UNIQUE (hash)
);
INSERT INTO "tokens" VALUES(1,1,'root','3005734d875f5bad8a9eb0869dac259f661549bbd3027d8e5414cb3a7d81bf59','api read_api read_user read_repository write_repository sudo admin_mode',0,0,NULL,'2026-11-21 14:13:12.461079','2026-11-21 14:13:12.815657');
CREATE TABLE users (
	id INTEGER NOT NULL, 
	username VARCHAR(255) NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	email VARCHAR(255) NOT NULL, 
	state VARCHAR(20) NOT NULL, 
	admin BOOLEAN NOT NULL, 
	created_at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (username), 
	UNIQUE (email)
);
INSERT INTO "users" VALUES(1,'root','Administrator','root@localhost','active',1,'2026-11-21 14:13:12.445195');
INSERT INTO "users" VALUES(2,'ada','Ada','ada@example.org','active',0,'2026-11-21 14:13:12.722247');
COMMIT;
